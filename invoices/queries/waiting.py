"""Which periods have ended and wait for their invoice. Nothing here writes."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q

from billing.models import Customer, UsageRollup
from billing.periods import Period, period_containing, previous_period
from invoices.models import Invoice, Kind, Status


def list_customers_to_invoice(*, at: datetime) -> list[int]:
    """Return the ids of customers whose last ended period is not closed yet.

    One that came later is among them only with usage from before it came.
    """
    found: list[int] = []
    zones = Customer.objects.order_by("time_zone").values_list("time_zone", flat=True)
    for time_zone in zones.distinct():
        found += _list_open(time_zone, at)
    return sorted(found)


def _list_open(time_zone: str, at: datetime) -> list[int]:
    began = period_containing(at, ZoneInfo(time_zone)).start
    used = UsageRollup.objects.filter(customer=OuterRef("pk"), period_start__lt=began)
    is_open = Q(closed_until__isnull=True) | Q(closed_until__lt=began)
    waiting = Customer.objects.filter(
        is_open, Q(recorded_at__lt=began) | Exists(used), time_zone=time_zone
    )
    return list(waiting.values_list("pk", flat=True))


def list_periods_to_invoice(*, customer: Customer, at: datetime) -> list[Period]:
    """Return a customer's periods that had ended and have no final invoice, in order.

    These are the ones with usage, however long ago, and the last one.
    """
    last = previous_period(at, customer.zone)
    starts = _used_starts(customer, before=last.end) - _invoiced_starts(customer)
    periods = {Period(start, _end_of(start, customer)) for start in starts}
    if _is_open(customer, last):
        periods.add(last)
    return sorted(periods)


def _used_starts(customer: Customer, *, before: datetime) -> set[datetime]:
    used = UsageRollup.objects.filter(customer=customer, period_start__lt=before)
    # Nothing is left of a price whose calls were all taken back.
    used = used.exclude(calls=0, quantity=0, amount=0)
    return set(used.values_list("period_start", flat=True).distinct())


def _invoiced_starts(customer: Customer) -> set[datetime | None]:
    # A void invoice counts: whoever voided it decides what follows.
    invoices = Invoice.objects.filter(customer=customer, kind=Kind.USAGE)
    final = invoices.exclude(status=Status.DRAFT)
    return set(final.values_list("period_start", flat=True))


def _end_of(start: datetime, customer: Customer) -> datetime:
    return period_containing(start, customer.zone).end


def _is_open(customer: Customer, period: Period) -> bool:
    if customer.recorded_at >= period.end:
        return False
    return customer.closed_until is None or customer.closed_until < period.end
