"""Taking credits off a wallet that were not used, and putting them back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from ledger.models import Book, Entry, Kind
from ledger.money import WIDE, exact
from ledger.posting import Cause, OpenWallet, lock_wallets, write_entries
from ledger.queries import list_overdrawn, list_run
from ledger.reversing import expire_again, reverse


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What is taken from a lot, or without one as overdraft, and by which book."""

    lot_id: int | None
    amount: Decimal
    book: Book


@dataclass(frozen=True, slots=True)
class Run:
    """Entries of a wallet that follow each other, written at one moment."""

    first: int
    last: int
    recorded_at: datetime


class NotEnoughCreditsError(Exception):
    """A lot holds less than is to be taken from it."""


@transaction.atomic
def withdraw_credits(
    *,
    wallet_id: int,
    withdrawals: Sequence[Withdrawal],
    kind: Kind,
    cause: str,
    actor: str,
    occurred_at: datetime,
) -> Run:
    """Take credits from the lots named, in order; returns the entries that did.

    :raises NotEnoughCreditsError: if a lot holds less than is to be taken from it.
    """
    wallet = lock_wallets([wallet_id])[wallet_id]
    before = wallet.sequence
    why = Cause(cause=cause, actor=actor, occurred_at=occurred_at)
    for each in withdrawals:
        _take(wallet, each, kind, why)
    write_entries([wallet])
    return Run(before + 1, wallet.sequence, wallet.recorded_at)


def _take(wallet: OpenWallet, each: Withdrawal, kind: Kind, why: Cause) -> None:
    amount = exact(each.amount)
    if each.lot_id is not None:
        lots = {lot.id: lot for lot in wallet.lots}
        if each.lot_id not in lots or lots[each.lot_id].remaining < amount:
            raise NotEnoughCreditsError(each.lot_id)
        lot = lots[each.lot_id]
        lot.remaining = WIDE.subtract(lot.remaining, amount)
    wallet.append(kind, each.book, amount.copy_negate(), lot_id=each.lot_id, why=why)


@transaction.atomic
def put_back(
    *, wallet_id: int, run: Run, cause: str, actor: str, occurred_at: datetime
) -> None:
    """Reverse a withdrawal: the credits are where they were before.

    What returns to a lot that has expired meanwhile expires again, visibly.
    """
    entries = list_run(
        wallet_id=wallet_id,
        first=run.first,
        last=run.last,
        recorded_at=run.recorded_at,
    )
    why = Cause(cause=cause, actor=actor, occurred_at=occurred_at)
    _reverse(wallet_id, entries, why)


@transaction.atomic
def lift_overdraft(
    *, wallet_id: int, cause: str, actor: str, occurred_at: datetime
) -> None:
    """Reverse what was withdrawn for a cause beyond all lots; twice is once."""
    # Locked before they are read, so that nobody else reverses them.
    lock_wallets([wallet_id])
    entries = list_overdrawn(wallet_id=wallet_id, cause=cause)
    if entries:
        why = Cause(cause=cause, actor=actor, occurred_at=occurred_at)
        _reverse(wallet_id, entries, why)


def _reverse(wallet_id: int, entries: Sequence[Entry], why: Cause) -> None:
    wallet = lock_wallets([wallet_id])[wallet_id]
    reversal = reverse(wallet, entries, why)
    expire_again(wallet, reversal.swept, why)
    write_entries([wallet])
