"""What a backtest found: before, after and the difference. Nothing here writes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import chain
from typing import Any

from django.db.models import Count, F, Min, QuerySet, Sum

from billing.models import Backtest, BacktestChunk, BacktestGap, BacktestLine
from billing.models.backtests import GapKind
from billing.queries.backtest_true_ups import cuts_true_ups
from ledger.money import WIDE, ZERO, total

_HUNDREDTH = Decimal("0.01")

CUT_TRUE_UPS = "Billing periods that are not wholly in this time have no true-up here."


@dataclass(frozen=True, slots=True)
class Change:
    """What usage was charged, and what it would be, in the card's currency."""

    before: Decimal = ZERO
    after: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """How much more it would be, exactly."""
        return WIDE.subtract(self.after, self.before)

    @property
    def percent(self) -> Decimal | None:
        """The difference as a share of what it was, to a hundredth of a percent."""
        if not self.before:
            return None
        share = WIDE.divide(WIDE.scaleb(self.difference, 2), self.before)
        rounded = share.quantize(_HUNDREDTH, ROUND_HALF_EVEN, WIDE)
        return rounded if rounded else rounded.copy_abs()


@dataclass(frozen=True, slots=True)
class CustomerChange(Change):
    """What changes for one customer, calls that one side alone prices included."""

    external_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class LineChange(Change):
    """What changes on one dimension of a model, for all customers or for one.

    `external_id` is empty for all. Calls and quantity are as the version counts them.
    """

    model: str = ""
    dimension: str = ""
    calls: int = 0
    quantity: Decimal = ZERO
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class GapChange(Change):
    """Calls of a model that one side alone prices, and why the other does not."""

    kind: str = ""
    model: str = ""
    reason: str = ""
    detail: str = ""
    customers: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """What a backtest has found so far: the parts add up to the whole.

    `repriced` are calls that both sides price, `unpriced` those that would have no
    price, `recovered` those that would have one at last. What a period is trued up by
    is a line of its own; with `cuts_true_ups`, some periods are cut and have none.
    """

    customers: list[CustomerChange]
    lines: list[LineChange]
    gaps: list[GapChange]
    cuts_true_ups: bool = False

    @property
    def whole(self) -> Change:
        """All of it: before is what was charged for the period's usage."""
        return add_changes(self.customers)

    @property
    def repriced(self) -> Change:
        """What changes by price."""
        return add_changes(self.lines)

    @property
    def unpriced(self) -> list[GapChange]:
        """Calls that were charged and would have no price."""
        return [gap for gap in self.gaps if gap.kind == GapKind.UNPRICED]

    @property
    def recovered(self) -> list[GapChange]:
        """Calls in quarantine that would have a price."""
        return [gap for gap in self.gaps if gap.kind == GapKind.QUARANTINED]

    @property
    def lost(self) -> Change:
        """What is lost with calls that would have no price."""
        return add_changes(self.unpriced)

    @property
    def gained(self) -> Change:
        """What is gained with calls that wait in quarantine."""
        return add_changes(self.recovered)


def report_backtest(backtest: Backtest) -> BacktestReport:
    """Return what a backtest has found so far; the greatest differences come first."""
    return BacktestReport(
        customers=_sorted(_customers(backtest)),
        lines=_sorted(_lines(backtest)),
        gaps=_sorted(_gaps(backtest)),
        cuts_true_ups=cuts_true_ups(backtest),
    )


def list_customer_lines(backtest: Backtest) -> list[LineChange]:
    """Return every line of every customer, by customer, model and dimension."""
    lines = BacktestLine.objects.filter(backtest=backtest).select_related("customer")
    return [
        LineChange(
            before=line.before,
            after=line.after,
            model=line.model,
            dimension=line.dimension,
            calls=line.calls,
            quantity=line.quantity,
            external_id=line.customer.external_id,
        )
        for line in lines.order_by("customer__external_id", "model", "dimension")
    ]


def list_open_chunks(backtest: Backtest) -> list[int]:
    """Return the chunks that are not done yet, in id order."""
    chunks = BacktestChunk.objects.filter(backtest=backtest, done_at__isnull=True)
    return list(chunks.order_by("pk").values_list("pk", flat=True))


def add_changes(changes: Iterable[Change]) -> Change:
    """Return what some changes come to together."""
    listed = list(changes)
    return Change(
        total(each.before for each in listed), total(each.after for each in listed)
    )


def _customers(backtest: Backtest) -> list[CustomerChange]:
    names = {"external_id": F("customer__external_id"), "name": F("customer__name")}
    found: dict[tuple[str, str], Change] = {}
    lines = BacktestLine.objects.filter(backtest=backtest).values(**names)
    gaps = BacktestGap.objects.filter(backtest=backtest).values(**names)
    for row in chain(_sums(lines), _sums(gaps)):
        key = row["external_id"], row["name"]
        added = Change(row["before"], row["after"])
        found[key] = add_changes([found.get(key, Change()), added])
    return [
        CustomerChange(change.before, change.after, external_id, name)
        for (external_id, name), change in found.items()
    ]


def _lines(backtest: Backtest) -> list[LineChange]:
    lines = BacktestLine.objects.filter(backtest=backtest).values("model", "dimension")
    return [
        LineChange(**row)
        for row in _sums(lines.annotate(calls=Sum("calls"), quantity=Sum("quantity")))
    ]


def _gaps(backtest: Backtest) -> list[GapChange]:
    gaps = BacktestGap.objects.filter(backtest=backtest)
    counted = gaps.values("kind", "model", "reason").annotate(
        detail=Min("detail"),
        customers=Count("customer", distinct=True),
        calls=Sum("calls"),
    )
    return [GapChange(**row) for row in _sums(counted)]


def _sums(rows: QuerySet[Any, Any]) -> Iterator[dict[str, Any]]:
    yield from rows.annotate(before=Sum("before"), after=Sum("after"))


def _sorted(changes: list[Any]) -> list[Any]:
    """Return changes with the greatest first, whatever their direction."""
    return sorted(changes, key=lambda each: -abs(each.difference))
