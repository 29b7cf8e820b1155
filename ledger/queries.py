"""Reading wallets. Nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import (
    Case,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)

from ledger.burn_down import OpenLot, find_next_change
from ledger.models import CreditLot, Entry, Kind, Source, Wallet
from ledger.money import WIDE, ZERO, total


@dataclass(frozen=True, slots=True)
class Balance:
    """A wallet at one instant, in credits."""

    currency: str
    book: Decimal
    available: Decimal
    paid: Decimal
    promotional: Decimal
    overdraft: Decimal
    next_expiry: datetime | None
    next_expiry_amount: Decimal


def get_balance(*, wallet_id: int, at: datetime) -> Balance:
    """Return what the wallet holds and what of it may be spent at that instant.

    Lots that have expired do not count as available, whether swept or not.
    """
    rows = _read_wallet(wallet_id)
    currency, book = rows[0][:2]
    lots = _lots(rows)
    overdraft = WIDE.subtract(_total(lots), book)
    spendable = [lot for lot in lots if lot.covers(at)]
    expiring = [lot for lot in spendable if lot.expires_at]
    next_expiry = min(
        (lot.expires_at for lot in expiring if lot.expires_at), default=None
    )
    paid = _total(lot for lot in spendable if lot.is_paid)
    return Balance(
        currency=currency,
        book=book,
        available=WIDE.subtract(_total(spendable), overdraft),
        paid=paid,
        promotional=WIDE.subtract(_total(spendable), paid),
        # Paying an invoice rounds: what was paid too much is spendable, not owed.
        overdraft=max(overdraft, ZERO),
        next_expiry=next_expiry,
        next_expiry_amount=_total(
            lot for lot in expiring if lot.expires_at == next_expiry
        ),
    )


@dataclass(frozen=True, slots=True)
class Position:
    """What may be spent of a wallet after an entry, and when that changes by itself.

    It does when a lot begins or expires.
    """

    sequence: int
    available: Decimal
    changes_at: datetime | None


def get_position(*, wallet_id: int, at: datetime) -> Position:
    """Return what may be spent of a wallet at an instant, and until when."""
    rows = _read_wallet(wallet_id)
    lots = _lots(rows)
    overdraft = WIDE.subtract(_total(lots), rows[0][1])
    spendable = _total(lot for lot in lots if lot.covers(at))
    return Position(
        sequence=rows[0][2],
        available=WIDE.subtract(spendable, overdraft),
        changes_at=find_next_change(lots, at),
    )


def _lots(rows: Iterable[tuple[Any, ...]]) -> list[OpenLot]:
    return [OpenLot(*row[3:]) for row in rows if row[3] is not None]


def _read_wallet(wallet_id: int) -> list[tuple[Any, ...]]:
    # One statement, so that wallet and lots are of one moment.
    open_lots = FilteredRelation("lots", condition=Q(lots__remaining__gt=0))
    is_paid = Case(When(lot__source=Source.PURCHASE, then=True), default=False)
    rows = Wallet.objects.filter(pk=wallet_id).annotate(lot=open_lots, is_paid=is_paid)
    return list(
        rows.values_list(
            "currency",
            "balance",
            "sequence",
            "lot__id",
            "is_paid",
            "lot__priority",
            "lot__starts_at",
            "lot__expires_at",
            "lot__remaining",
        )
    )


def _total(lots: Iterable[OpenLot]) -> Decimal:
    return total(lot.remaining for lot in lots)


def list_open_lots(*, wallet_id: int) -> QuerySet[CreditLot]:
    """Return the lots that still hold credits, oldest first."""
    return CreditLot.objects.filter(wallet=wallet_id, remaining__gt=0).order_by("pk")


def find_last_kinds(lots: Iterable[CreditLot]) -> dict[int, Kind]:
    """Return what the last entry of each lot did: of an empty one, what emptied it."""
    newest = Entry.objects.filter(lot=OuterRef("pk")).order_by("-sequence")
    found = CreditLot.objects.filter(pk__in=[lot.pk for lot in lots])
    kinds = found.annotate(last_kind=Subquery(newest.values("kind")[:1]))
    return {pk: Kind(kind) for pk, kind in kinds.values_list("pk", "last_kind")}


def list_entries(*, wallet_id: int, kind: Kind | None = None) -> QuerySet[Entry]:
    """Return a wallet's entries, newest first; those of one kind, if it is given."""
    entries = Entry.objects.filter(wallet=wallet_id).select_related("lot")
    if kind:
        entries = entries.filter(kind=kind)
    return entries.order_by("-sequence")


def list_run(
    *, wallet_id: int, first: int | None, last: int | None, recorded_at: datetime
) -> list[Entry]:
    """Return the entries between two sequences, both included, written at one moment.

    Without a first one there are none.
    """
    if first is None:
        return []
    run = Entry.objects.filter(
        # The moment lets PostgreSQL look into the right month alone.
        wallet=wallet_id,
        sequence__range=(first, last),
        recorded_at=recorded_at,
    )
    return list(run.select_related("lot").order_by("sequence"))


def list_overdrawn(*, wallet_id: int, cause: str) -> list[Entry]:
    """Return what was taken for a cause beyond all lots, and is not reversed yet.

    Not what metering took: of that there is too much to look through.
    """
    caused = Entry.objects.filter(wallet=wallet_id, cause=cause, lot=None)
    others = caused.exclude(kind=Kind.USAGE)
    reversed_already = others.filter(reverses__isnull=False).values("reverses")
    standing = others.filter(amount__lt=0).exclude(sequence__in=reversed_already)
    return list(standing.order_by("sequence"))


def list_expiring_wallets(*, expired_before: datetime) -> list[int]:
    """Return the wallets with lots to be swept, in id order."""
    due = CreditLot.objects.filter(
        expires_at__lte=expired_before, expired_at__isnull=True, remaining__gt=0
    )
    return sorted(set(due.values_list("wallet_id", flat=True)))


def get_expired_credits(*, lot: CreditLot) -> Decimal:
    """Return what was taken of a lot because its time was over."""
    if lot.expired_at is None:
        return ZERO
    taken = Entry.objects.filter(
        wallet=lot.wallet_id,
        lot=lot,
        kind=Kind.EXPIRY,
        # The moment lets PostgreSQL leave out the months after it.
        recorded_at__lte=lot.expired_at,
    )
    return WIDE.minus(total(taken.values_list("amount", flat=True)))
