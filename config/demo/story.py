"""When the demo's traffic happens, and what is done with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from billing.models import Customer, IdempotencyClaim, RateCardVersion
from config.demo.traffic import Event, Window
from invoices.services.runs import invoice_customer

# Kept free at both ends: for the loading itself, and for calls that visitors post.
_BEFORE = timedelta(hours=12)
_AFTER = timedelta(hours=2)


def new_start(now: datetime) -> datetime:
    """Return the earliest time to lay the traffic over, as the API accepts it."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return hour - settings.ACCEPTANCE_WINDOW + _BEFORE


def demo_window() -> Window:
    """Return the time that this database's demo is laid over.

    It begins with the prices, so every run posts the very same events.
    """
    [start] = RateCardVersion.objects.filter(
        rate_card__code="standard", number=1
    ).values_list("effective_from", flat=True)
    assert start  # noqa: S101 - a published version has a date.
    return Window(start, start + settings.ACCEPTANCE_WINDOW - _BEFORE - _AFTER)


def close_ended_months(*, at: datetime) -> int:
    """Invoice every month that has ended, as the nightly run does; returns how many."""
    customers = Customer.objects.order_by("pk").values_list("pk", flat=True)
    return sum(len(invoice_customer(customer_id=pk, at=at)) for pk in customers)


def is_loaded(events: Sequence[Event]) -> bool:
    """Tell whether all of the traffic was posted before."""
    keys = {event["idempotency_key"] for event in events}
    return IdempotencyClaim.objects.filter(key__in=keys).count() == len(keys)
