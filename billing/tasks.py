"""What billing does by the clock. Each task is safe to run twice, or late."""

from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from billing.services import metering, quarantine


@shared_task
def cut_streams(**_: Any) -> None:
    """Close the streams whose next chunk has not come for too long."""
    now = timezone.now()
    silent_since = now - settings.STREAM_TIMEOUT
    metering.cut_streams(silent_since=silent_since, received_at=now)


@shared_task
def retry_quarantined(*, after: int = 0, **_: Any) -> None:
    """Price quarantined events again, a thousand at a time."""
    retry = quarantine.retry_quarantined(after=after, received_at=timezone.now())
    if retry.last_id:
        retry_quarantined.delay(after=retry.last_id)
