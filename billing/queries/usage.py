"""Reading a customer's usage from the rollups. Nothing here writes, or reads calls."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter

from django.db.models import DateField, F, QuerySet, Sum, Value

from billing.models import Customer, TrueUp, UsageRollup
from billing.periods import Period, period_containing
from billing.pricing.dimensions import MINIMUM
from ledger.money import ZERO, total

# Each with the name of its column.
Quantities = tuple[tuple[str, Decimal | None], ...]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one model used, and what it cost in credits; of one day, or of all."""

    day: date | None
    model: str
    quantities: Quantities
    amount: Decimal


@dataclass(frozen=True, slots=True)
class UsageTable:
    """Usage with one column for each dimension that occurs; its totals foot.

    What its calls were charged is not all, once the month has closed: then it is
    settled what volume prices, and the least and the most of the month, come to.
    """

    dimensions: tuple[str, ...]
    rows: list[UsageRow]
    settled: Decimal = ZERO

    @property
    def quantities(self) -> Quantities:
        """The sum of each column."""
        used = [dict(row.quantities) for row in self.rows]
        return tuple(
            (name, total(row[name] or ZERO for row in used)) for name in self.dimensions
        )

    @property
    def amount(self) -> Decimal:
        """The sum of the rows and of what was settled, in credits."""
        return total([self.settled, *(row.amount for row in self.rows)])


@dataclass(frozen=True, slots=True)
class DaySpend:
    """What the calls of one day cost, in credits."""

    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MonthUsage:
    """What is billed in one month, and which months lie before and after it."""

    period: Period
    table: UsageTable
    days: list[DaySpend]
    earlier: datetime | None
    later: datetime | None


def get_month_usage(*, customer: Customer, at: datetime) -> MonthUsage:
    """Return the usage billed in the month that holds an instant, newest day first.

    A call that came too late for its own month is in this one, under its own day.
    """
    period = period_containing(at, customer.zone)
    starts = _months_of(customer)
    rollups = usage_of(customer).filter(period_start=period.start)
    return MonthUsage(
        period=period,
        table=replace(
            tabulate(rollups, by_day=True), settled=sum_true_ups(customer, period.start)
        ),
        days=list_days(rollups, period, customer),
        earlier=max((each for each in starts if each < period.start), default=None),
        later=min((each for each in starts if each > period.start), default=None),
    )


def _months_of(customer: Customer) -> set[datetime]:
    """Return the months in which anything is billed."""
    used = usage_of(customer).values_list("period_start")
    settled = TrueUp.objects.filter(customer=customer).values_list("period_start")
    return {start for (start,) in used.union(settled)}


def sum_true_ups(customer: Customer, period_start: datetime) -> Decimal:
    """Return what was settled when a month closed, in credits."""
    settled = TrueUp.objects.filter(customer=customer, period_start=period_start)
    return settled.aggregate(total=Sum("amount"))["total"] or ZERO


def usage_of(customer: Customer) -> QuerySet[UsageRollup]:
    """Return the running sums of one customer."""
    return UsageRollup.objects.filter(customer=customer)


def tabulate(rollups: QuerySet[UsageRollup], *, by_day: bool = False) -> UsageTable:
    """Add rollups up by model, or by day and model, in one statement."""
    day = F("day") if by_day else Value(None, output_field=DateField())
    cells = list(
        rollups.annotate(row_day=day)
        .values_list("row_day", "model", "rate__dimension")
        .annotate(Sum("quantity"), Sum("amount"))
    )
    # What is missing to the least that a call costs is money, and no quantity.
    names = tuple(sorted({name for _, _, name, _, _ in cells} - {MINIMUM}))
    used: defaultdict[tuple[date | None, str], dict[str, Decimal]] = defaultdict(dict)
    spent: defaultdict[tuple[date | None, str], list[Decimal]] = defaultdict(list)
    for row_day, model, name, quantity, amount in cells:
        used[row_day, model][name] = quantity
        spent[row_day, model].append(amount)
    rows = [
        UsageRow(
            *key, tuple((name, each.get(name)) for name in names), total(spent[key])
        )
        for key, each in used.items()
    ]
    return UsageTable(names, _newest_and_dearest_first(rows))


def _newest_and_dearest_first(rows: list[UsageRow]) -> list[UsageRow]:
    # Sorting is stable, so the last key sorted by counts most.
    rows.sort(key=attrgetter("model"))
    rows.sort(key=attrgetter("amount"), reverse=True)
    rows.sort(key=lambda row: row.day or date.min, reverse=True)
    return rows


def list_days(
    rollups: QuerySet[UsageRollup], period: Period, customer: Customer
) -> list[DaySpend]:
    """Return what each day of a period cost, days without calls included."""
    spent = dict(rollups.values_list("day").annotate(Sum("amount")))
    first = period.start.astimezone(customer.zone).date()
    after = period.end.astimezone(customer.zone).date()
    days = [first + timedelta(days=number) for number in range((after - first).days)]
    return [DaySpend(day, spent.get(day, ZERO)) for day in days]
