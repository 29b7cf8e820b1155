"""What billing does by the clock. Each task is safe to run twice, or late."""

from datetime import datetime, timedelta
from typing import Any

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.conf import settings
from django.utils import timezone

from billing.queries.alerts import list_customers_to_review
from billing.services import (
    alerts,
    backtest_chunks,
    backtests,
    metering,
    notices,
    outage,
    quarantine,
    refusals,
)
from billing.services.quarantine import list_waiting_customers
from billing.services.streams import list_silent_streams

# A server whose clock is behind may still count what has ended by this one's.
HOLD_PATIENCE = timedelta(hours=1)
# A worker that died is not waited for longer, nor a queue that lost its messages.
BACKTEST_PATIENCE = timedelta(minutes=10)


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


@shared_task(base=DjangoTask)
def plan_backtest(*, backtest_id: int, **_: Any) -> None:
    """Cut a backtest's usage into chunks and queue one job for each."""
    for chunk_id in backtests.plan_backtest(backtest_id=backtest_id, at=timezone.now()):
        run_backtest_chunk.delay(chunk_id=chunk_id)


@shared_task
def run_backtest_chunk(*, chunk_id: int, **_: Any) -> None:
    """Price one chunk of a backtest again, unless it is done or in other hands."""
    backtest_chunks.run_chunk(chunk_id=chunk_id, at=timezone.now())


@shared_task
def sweep_backtests(**_: Any) -> None:
    """Queue again what was to be done for a backtest and was not for too long."""
    now = timezone.now()
    stale = now - BACKTEST_PATIENCE
    for backtest_id in backtests.requeue_plans(queued_before=stale, at=now):
        plan_backtest.delay(backtest_id=backtest_id)
    for chunk_id in backtests.requeue_chunks(queued_before=stale, at=now):
        run_backtest_chunk.delay(chunk_id=chunk_id)


@shared_task
def review_alerts(**_: Any) -> None:
    """Queue one job for each customer whose credits began or lapsed past an alert."""
    for customer_id in list_customers_to_review(at=timezone.now()):
        review_customer_alerts.delay(customer_id=customer_id)


@shared_task
def review_customer_alerts(*, customer_id: int, **_: Any) -> None:
    """Fire or arm one customer's alerts by what it may spend now."""
    alerts.review_balance(customer_id=customer_id, at=timezone.now())


@shared_task
def note_expiring_credits(**_: Any) -> None:
    """Write a notice for each lot that is about to expire."""
    notices.note_expiring(at=timezone.now())


@shared_task
def send_notices(**_: Any) -> None:
    """Queue one job for each notice that is to be sent and in no other's hands."""
    lease = notices.lease_notices(at=timezone.now())
    for notice_id in lease.notice_ids:
        send_notice.delay(notice_id=notice_id, leased_until=lease.until.isoformat())


@shared_task
def send_notice(*, notice_id: int, leased_until: str, **_: Any) -> None:
    """Mail one notice, unless it was sent or leased anew since it was queued."""
    notices.send_notice(
        notice_id=notice_id,
        leased_until=datetime.fromisoformat(leased_until),
        at=timezone.now(),
    )


@shared_task
def roll_up_refusals(**_: Any) -> None:
    """Add up what was refused since the last time."""
    refusals.roll_up_refusals(at=timezone.now())


@shared_task
def forget_holds(**_: Any) -> None:
    """Delete what is known of calls that hold no credits any more."""
    outage.forget_holds(ended_before=timezone.now() - HOLD_PATIENCE)
