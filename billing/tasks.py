"""What billing does by the clock. Each task is safe to run twice, or late."""

from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from billing.services import metering, quarantine
from billing.services.quarantine import list_waiting_customers
from billing.services.streams import list_silent_streams


@shared_task
def cut_streams(**_: Any) -> None:
    """Queue one job for each stream whose next chunk has not come for too long."""
    silent_since = timezone.now() - settings.STREAM_TIMEOUT
    for customer, key in list_silent_streams(since=silent_since):
        cut_stream.delay(customer=customer, key=key)


@shared_task
def cut_stream(*, customer: str, key: str, **_: Any) -> None:
    """Close one stream, unless a chunk has come since."""
    now = timezone.now()
    silent_since = now - settings.STREAM_TIMEOUT
    metering.cut_stream(
        customer=customer, key=key, silent_since=silent_since, received_at=now
    )


@shared_task
def retry_quarantined(**_: Any) -> None:
    """Queue one job for each customer with events that had no price."""
    for customer_id in list_waiting_customers():
        retry_customer.delay(customer_id=customer_id)


@shared_task
def retry_customer(*, customer_id: int, after: int = 0, **_: Any) -> None:
    """Price a customer's quarantined events again, a thousand at a time."""
    retry = quarantine.retry_quarantined(
        customer_id=customer_id, after=after, received_at=timezone.now()
    )
    if retry.last_id:
        retry_customer.delay(customer_id=customer_id, after=retry.last_id)
