"""Reading what a customer sees first. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Sum

from billing.models import Customer
from billing.periods import Period, period_containing, previous_period
from billing.queries.allowances import Standing, get_standing
from billing.queries.postpaid import Unpaid, find_unpaid
from billing.queries.usage import (
    DaySpend,
    UsageTable,
    list_days,
    sum_true_ups,
    tabulate,
    usage_of,
)
from ledger.money import ZERO
from ledger.queries import Balance


@dataclass(frozen=True, slots=True)
class OpenInvoices:
    """How many invoices for usage wait for money, and for how much."""

    count: int
    amount_due: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """A customer's credits at one instant, and its spend of this month and the last."""

    as_of: datetime
    standing: Standing
    unpaid: Unpaid | None
    open_invoices: OpenInvoices
    this_month: Period
    last_month: Period
    spent_last_month: Decimal
    usage: UsageTable
    days: list[DaySpend]

    @property
    def balance(self) -> Balance:
        """The customer's credits, whatever its plan allows beyond them."""
        return self.standing.balance


def get_overview(*, customer: Customer, at: datetime) -> Overview:
    """Return what the customer may spend at an instant and what it has spent."""
    this_month = period_containing(at, customer.zone)
    last_month = previous_period(at, customer.zone)
    rollups = usage_of(customer)
    current = rollups.filter(period_start=this_month.start)
    before = rollups.filter(period_start=last_month.start)
    charged = before.aggregate(total=Sum("amount"))["total"] or ZERO
    standing = get_standing(customer=customer, at=at)
    return Overview(
        as_of=at,
        standing=standing,
        unpaid=find_unpaid(customer=customer, balance=standing.balance),
        open_invoices=_count_open_invoices(customer),
        this_month=this_month,
        last_month=last_month,
        spent_last_month=charged + sum_true_ups(customer, last_month.start),
        usage=tabulate(current),
        days=list_days(current, this_month, customer),
    )


def _count_open_invoices(customer: Customer) -> OpenInvoices:
    # A pack that was ordered and not paid is no debt.
    waiting = customer.invoices.filter(kind="usage", status="open", amount_due__gt=0)
    found = waiting.aggregate(count=Count("pk"), amount_due=Sum("amount_due"))
    return OpenInvoices(found["count"], found["amount_due"] or ZERO)
