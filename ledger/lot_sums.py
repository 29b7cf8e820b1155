"""What became of credits, lot by lot, added up from entries. Nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from ledger.models import Book, Entry, Kind
from ledger.money import WIDE, ZERO, total

_IS_GRANT = Q(kind=Kind.GRANT)
_IS_USE = Q(book=Book.CONSUMED, amount__lt=0)
# By book, since a kind may be posted against several.
_AMOUNTS = {
    "granted": _IS_GRANT,
    "used": _IS_USE,
    "given_back": Q(book=Book.CONSUMED, amount__gt=0),
    "settled": Q(book=Book.RECEIVABLE),
    "paid": Q(book=Book.CASH) & ~_IS_GRANT,
    "expired": Q(book=Book.EXPIRED),
    "refunded": Q(book__in=(Book.REFUNDED, Book.PROMOTION)) & ~_IS_GRANT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LotSums:
    """The entries of a lot, or those of a wallet without one, by what they did.

    Each sum carries the sign of its entries: below zero was taken. `used` and
    `given_back` are usage and what corrections returned of it; `settled` moved between
    lot and overdraft; `paid` is overdraft that money settled.
    """

    granted: Decimal = ZERO
    used: Decimal = ZERO
    given_back: Decimal = ZERO
    settled: Decimal = ZERO
    paid: Decimal = ZERO
    expired: Decimal = ZERO
    refunded: Decimal = ZERO
    calls: int = 0
    first_used_at: datetime | None = None
    last_used_at: datetime | None = None

    @property
    def consumed(self) -> Decimal:
        """What was used, less what corrections gave back; below zero."""
        return WIDE.add(self.used, self.given_back)

    @property
    def settlements(self) -> Decimal:
        """What went from a lot to an overdraft; without a lot, what lifted it."""
        return WIDE.add(self.settled, self.paid)

    @property
    def left(self) -> Decimal:
        """What all of it comes to."""
        taken = (self.consumed, self.settlements, self.expired, self.refunded)
        return total((self.granted, *taken))


def sum_entries(entries: QuerySet[Entry]) -> dict[int | None, LotSums]:
    """Add entries up by their lot; those without one are under None."""
    columns = {
        **{
            name: Sum("amount", filter=condition, default=ZERO)
            for name, condition in _AMOUNTS.items()
        },
        "calls": Count("pk", filter=Q(kind=Kind.USAGE)),
        "first_used_at": Min("occurred_at", filter=_IS_USE),
        "last_used_at": Max("occurred_at", filter=_IS_USE),
    }
    by_lot = entries.order_by().values("lot_id").annotate(**columns)
    rows: Iterable[tuple[Any, ...]] = by_lot.values_list("lot_id", *columns)
    return {
        lot_id: LotSums(**dict(zip(columns, sums, strict=True)))
        for lot_id, *sums in rows
    }
