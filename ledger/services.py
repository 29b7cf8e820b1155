"""What may be done to wallets. Every change of a balance is an entry."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from ledger.granting import plan_grant
from ledger.models import Book, CreditLot, Kind, Source, Wallet
from ledger.money import ZERO, exact
from ledger.posting import Cause, OpenWallet, lock_wallets, open_lot, write_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Credits to be given: what for, how many, when they may be spent."""

    source: Source
    amount: Decimal
    reference: str
    starts_at: datetime
    expires_at: datetime | None = None
    price_paid: Decimal = ZERO
    priority: int = 0
    reason: str = ""


@transaction.atomic
def open_wallet(*, currency: str, credit_limit: Decimal = ZERO) -> Wallet:
    """Make an empty wallet in an ISO 4217 currency."""
    return Wallet.objects.create(currency=currency, credit_limit=exact(credit_limit))


@transaction.atomic
def set_credit_limit(*, wallet_id: int, credit_limit: Decimal) -> Wallet:
    """Say how far a wallet may be overdrawn, in credits, from now on.

    What it is overdrawn by already stays; the database refuses a limit below zero.
    """
    lock_wallets([wallet_id])
    wallet = Wallet.objects.get(pk=wallet_id)
    wallet.credit_limit = exact(credit_limit)
    wallet.save(update_fields=["credit_limit"])
    return wallet


@transaction.atomic
def grant_credits(
    *, wallet_id: int, grant: Grant, actor: str, occurred_at: datetime
) -> CreditLot:
    """Add a lot of credits; an overdraft is settled from it first.

    Granting the same reference again returns the first lot and adds nothing.
    """
    wallet = lock_wallets([wallet_id])[wallet_id]
    existing = CreditLot.objects.filter(
        wallet_id=wallet_id, reference=grant.reference
    ).first()
    if existing:
        return existing
    lot = _create_lot(wallet_id, grant)
    why = Cause(cause=grant.reference, actor=actor, occurred_at=occurred_at)
    _fill(wallet, lot, why)
    write_entries([wallet])
    lot.refresh_from_db()
    return lot


def _create_lot(wallet_id: int, grant: Grant) -> CreditLot:
    return CreditLot.objects.create(
        wallet_id=wallet_id,
        source=grant.source,
        granted=exact(grant.amount),
        price_paid=exact(grant.price_paid),
        priority=grant.priority,
        starts_at=grant.starts_at,
        expires_at=grant.expires_at,
        reference=grant.reference,
        reason=grant.reason,
    )


def _fill(wallet: OpenWallet, lot: CreditLot, why: Cause) -> None:
    full = replace(open_lot(lot), remaining=lot.granted)
    moves = plan_grant(
        Source(lot.source), full, overdraft=wallet.overdraft, at=why.occurred_at
    )
    for move in moves:
        lot_id = lot.pk if move.is_on_lot else None
        wallet.append(move.kind, move.book, move.amount, lot_id=lot_id, why=why)


@transaction.atomic
def settle_receivable(
    *,
    wallet_id: int,
    amount: Decimal,
    reference: str,
    actor: str,
    occurred_at: datetime,
) -> None:
    """Lift an overdraft that was paid for in money."""
    wallet = lock_wallets([wallet_id])[wallet_id]
    why = Cause(cause=reference, actor=actor, occurred_at=occurred_at)
    wallet.append(Kind.SETTLEMENT, Book.CASH, exact(amount), lot_id=None, why=why)
    write_entries([wallet])


@transaction.atomic
def expire_wallet(*, wallet_id: int, expired_before: datetime, actor: str) -> int:
    """Post the expiry of this wallet's lots that ended before an instant.

    Returns how many lots were emptied. The instant lies a settlement window in the
    past, so that late usage from before the expiry could still be paid by the lot.
    """
    wallet = lock_wallets([wallet_id])[wallet_id]
    swept = 0
    for lot in wallet.lots:
        if lot.expires_at is None or lot.expires_at > expired_before:
            continue
        why = Cause(cause=f"lot:{lot.id}", actor=actor, occurred_at=lot.expires_at)
        taken = lot.remaining.copy_negate()
        wallet.append(Kind.EXPIRY, Book.EXPIRED, taken, lot_id=lot.id, why=why)
        swept += 1
    write_entries([wallet])
    return swept
