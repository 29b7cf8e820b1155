"""What pricing usage again comes to: sums of what was charged, and of what would be."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from billing.pricing.conditions import MAX_NAME
from billing.pricing.period_sums import Due
from billing.pricing.rating import ChargeLine, UnratableError
from billing.queries.priced_usage import Charged, StoredEvent
from ledger.money import WIDE, ZERO, total

# No property has a comma in its name: nothing else is called so.
_TRUE_UP = ", true-up"
_MAX_DIMENSION = 64


@dataclass(slots=True)
class RepricedLine:
    """Calls on one line: what they were charged, and what they would be.

    Calls and quantity are as the new prices count them.
    """

    calls: int = 0
    quantity: Decimal = ZERO
    before: Decimal = ZERO
    after: Decimal = ZERO


@dataclass(slots=True)
class RepricedGap:
    """Calls that only one of both sides prices; `detail` is what one of them is told.

    They were charged `before` and have no price, or wait in quarantine and would be
    charged `after`.
    """

    detail: str
    calls: int = 0
    before: Decimal = ZERO
    after: Decimal = ZERO


class LineKey(NamedTuple):
    """What calls are added up by."""

    model: str
    dimension: str

    @classmethod
    def of_true_up(cls, due: Due) -> "LineKey":
        """Return the line beside a dimension's own, for what its periods come to."""
        dimension = due.dimension[: _MAX_DIMENSION - len(_TRUE_UP)]
        return cls(due.model, f"{dimension}{_TRUE_UP}")


class GapKey(NamedTuple):
    """What calls that one side alone prices are added up by.

    The reason is why they have no price now, or why they are in quarantine.
    """

    is_quarantined: bool
    model: str
    reason: str


@dataclass(slots=True)
class Repriced:
    """What usage was charged and would be; lines hold what both sides have a price for.

    `calls` counts recorded events, and `unpriced` those of them without a price now.
    """

    lines: defaultdict[LineKey, RepricedLine] = field(
        default_factory=lambda: defaultdict(RepricedLine)
    )
    gaps: dict[GapKey, RepricedGap] = field(default_factory=dict)
    calls: int = 0
    unpriced: int = 0

    @property
    def before(self) -> Decimal:
        """What all of the usage was charged."""
        lines = total(line.before for line in self.lines.values())
        return WIDE.add(lines, total(gap.before for gap in self.gaps.values()))

    @property
    def after(self) -> Decimal:
        """What all of the usage would be charged."""
        lines = total(line.after for line in self.lines.values())
        return WIDE.add(lines, total(gap.after for gap in self.gaps.values()))

    def add(self, event: StoredEvent, charges: Iterable[ChargeLine]) -> None:
        """Count an event that has a price now."""
        if event.quarantined is not None:
            self._add_gap(event, charges)
            return
        self.calls += 1
        previous = ""
        for charge in charges:
            line = self.lines[LineKey(event.model, charge.dimension)]
            # A call may have a charge in each of several tiers, one after the other.
            line.calls += charge.dimension != previous
            line.quantity = WIDE.add(line.quantity, charge.quantity)
            line.after = WIDE.add(line.after, charge.amount)
            previous = charge.dimension

    def _add_gap(self, event: StoredEvent, charges: Iterable[ChargeLine]) -> None:
        key = GapKey(True, event.model[:MAX_NAME], event.quarantined or "")
        gap = self.gaps.setdefault(key, RepricedGap(""))
        gap.calls += 1
        gap.after = WIDE.add(gap.after, total(each.amount for each in charges))

    def add_unpriced(self, event: StoredEvent, error: UnratableError) -> None:
        """Count an event that has no price now; in quarantine, it only stays there."""
        if event.quarantined is not None:
            return
        self.calls += 1
        self.unpriced += 1
        key = GapKey(False, event.model[:MAX_NAME], error.reason)
        gap = self.gaps.setdefault(key, RepricedGap(error.detail))
        gap.calls += 1
        gap.before = WIDE.add(gap.before, event.amount)

    def add_charged(self, charged: Iterable[Charged]) -> None:
        """Count what events with a price now were charged."""
        for each in charged:
            line = self.lines[LineKey(each.model, each.dimension)]
            line.before = WIDE.add(line.before, each.amount)

    def add_true_ups(self, before: Iterable[Due], after: Iterable[Due]) -> None:
        """Count what a period was trued up by, and what it would be."""
        for due in filter(attrgetter("amount"), before):
            line = self.lines[LineKey.of_true_up(due)]
            line.before = WIDE.add(line.before, due.amount)
        for due in filter(attrgetter("amount"), after):
            line = self.lines[LineKey.of_true_up(due)]
            line.after = WIDE.add(line.after, due.amount)
