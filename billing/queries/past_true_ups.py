"""What past periods were trued up by, or would be so far. Nothing here writes."""

from collections.abc import Sequence

from billing.models import Customer, Rate, TrueUp, UsageRollup
from billing.periods import Period
from billing.pricing.period_sums import Due
from billing.queries.true_ups import list_true_ups, work_out_true_ups


def find_billed_customer(*, customer_id: int, period: Period) -> Customer | None:
    """Return a customer if it was one in a period, or used something in it."""
    customer = Customer.objects.get(pk=customer_id)
    used = UsageRollup.objects.filter(customer=customer, period_start=period.start)
    is_billed = customer.recorded_at < period.end or used.exists()
    return customer if is_billed else None


def list_past_true_ups(
    *, customer: Customer, period: Period, versions: Sequence[int] | None
) -> list[Due]:
    """Return what a period was trued up by; as it stands so far until it is closed.

    With `versions`, for their prices alone.
    """
    due = _list_all(customer, period)
    rates = Rate.objects.in_bulk({each.rate_id for each in due})
    return [
        Due(each.model, rates[each.rate_id].dimension, each.amount)
        for each in due
        if versions is None or rates[each.rate_id].version_id in versions
    ]


def _list_all(customer: Customer, period: Period) -> list[TrueUp]:
    stored = list_true_ups(customer=customer, period=period)
    is_closed = customer.closed_until and period.end <= customer.closed_until
    if stored or is_closed:
        return stored
    return work_out_true_ups(customer=customer, period=period)
