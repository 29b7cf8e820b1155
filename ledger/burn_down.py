"""Which lots pay for what. Pure: no clock, no database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from ledger.money import WIDE

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class OpenLot:
    """A lot while its wallet is locked; `remaining` follows the draws made so far."""

    id: int
    is_paid: bool
    priority: int
    starts_at: datetime
    expires_at: datetime | None
    remaining: Decimal

    def covers(self, at: datetime) -> bool:
        """Tell whether the lot may pay for what happened at that instant."""
        if at < self.starts_at:
            return False
        return self.expires_at is None or at < self.expires_at


def find_next_change(lots: Iterable[OpenLot], at: datetime) -> datetime | None:
    """Return when the next of these lots begins or expires, if one will."""
    times = (time for lot in lots for time in (lot.starts_at, lot.expires_at))
    return min((time for time in times if time and time > at), default=None)


def in_burn_down_order(lots: Iterable[OpenLot]) -> list[OpenLot]:
    """Sort by priority, free before paid, earliest expiry, then age."""
    return sorted(lots, key=_rank)


def _rank(lot: OpenLot) -> tuple[int, bool, datetime, int]:
    return (lot.priority, lot.is_paid, lot.expires_at or _NEVER, lot.id)


def draw(
    lots: Iterable[OpenLot], amount: Decimal, *, at: datetime
) -> Iterator[tuple[int | None, Decimal]]:
    """Take an amount from the lots that cover the instant, in the order given.

    Yields lot id and part; the part that no lot covers comes last, without a lot.
    """
    for lot in lots:
        if not amount:
            return
        part = min(lot.remaining, amount)
        if part and lot.covers(at):
            lot.remaining = WIDE.subtract(lot.remaining, part)
            amount = WIDE.subtract(amount, part)
            yield lot.id, part
    if amount:
        yield None, amount
