"""Reading a customer's usage from the rollups. Nothing here writes, or reads calls."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter

from django.db.models import DateField, F, QuerySet, Sum, Value

from billing.models import Customer, UsageRollup
from billing.periods import Period, period_containing
from ledger.money import ZERO, total

Quantities = tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one model used, and what it cost in credits; of one day, or of all."""

    day: date | None
    model: str
    quantities: Quantities
    amount: Decimal


@dataclass(frozen=True, slots=True)
class UsageTable:
    """Usage with one column for each dimension that occurs; its totals foot."""

    dimensions: tuple[str, ...]
    rows: list[UsageRow]

    @property
    def quantities(self) -> Quantities:
        """The sum of each column."""
        columns = zip(*(row.quantities for row in self.rows), strict=True)
        return tuple(total(value or ZERO for value in column) for column in columns)

    @property
    def amount(self) -> Decimal:
        """The sum of the rows, in credits."""
        return total(row.amount for row in self.rows)


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
    starts = set(usage_of(customer).values_list("period_start", flat=True).distinct())
    rollups = usage_of(customer).filter(period_start=period.start)
    return MonthUsage(
        period=period,
        table=tabulate(rollups, by_day=True),
        days=list_days(rollups, period, customer),
        earlier=max((each for each in starts if each < period.start), default=None),
        later=min((each for each in starts if each > period.start), default=None),
    )


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
    names = tuple(sorted({name for _, _, name, _, _ in cells}))
    used: defaultdict[tuple[date | None, str], dict[str, Decimal]] = defaultdict(dict)
    spent: defaultdict[tuple[date | None, str], list[Decimal]] = defaultdict(list)
    for row_day, model, name, quantity, amount in cells:
        used[row_day, model][name] = quantity
        spent[row_day, model].append(amount)
    rows = [
        UsageRow(*key, tuple(map(quantities.get, names)), total(spent[key]))
        for key, quantities in used.items()
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
