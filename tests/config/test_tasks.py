"""What the clock does: each task finds its work in the database, whenever it runs."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from billing.models import QuarantinedEvent, UsageEvent
from billing.services.events import StreamPart
from billing.services.quarantine import BATCH
from billing.services.rate_cards import create_rate_card
from billing.tasks import cut_streams, retry_quarantined
from config.celery import app
from ledger.models import CreditLot
from ledger.tasks import expire_lots, sweep_expired_lots
from tests import make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """Do what is queued in the process that queues it, on the test's clock."""
    app.conf.task_always_eager = True
    with time_machine.travel(make.NOW, tick=False):
        yield
    app.conf.task_always_eager = False


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert scheduled <= set(app.tasks)


@pytest.mark.parametrize(("days", "remaining"), [(35, 0), (34, 10)])
def test_credits_are_swept_after_the_settlement_window(
    days: int, remaining: int
) -> None:
    lots = [
        make.lot(make.wallet(), "10", expires_at=make.NOW - days * DAY)
        for _ in range(2)
    ]

    sweep_expired_lots()

    for lot in lots:
        lot.refresh_from_db()
        assert lot.remaining == remaining


def test_a_wallet_may_be_swept_twice() -> None:
    wallet = make.wallet()
    make.lot(wallet, "10", expires_at=make.NOW - DAY)

    for _ in range(2):
        expire_lots(wallet_id=wallet.pk, expired_before=make.NOW.isoformat())

    assert CreditLot.objects.get().remaining == 0


def test_silent_streams_are_cut_one_by_one() -> None:
    make.customer(credits="50")
    for key in ("a", "b"):
        make.record(make.event(key, stream=StreamPart(0, is_final=False)))

    with time_machine.travel(make.NOW + timedelta(minutes=6), tick=False):
        cut_streams()

    assert UsageEvent.objects.filter(properties__stream_cut=True).count() == 2


def test_quarantined_events_are_retried_to_the_last() -> None:
    card = create_rate_card(code="new", name="New", currency="USD")
    make.customer(plan=make.plan(card=card), credits="50")
    for start in (0, 500, 1000):
        keys = range(start, min(start + 500, BATCH + 1))
        make.record(*[make.event(f"req_{n}") for n in keys])
    make.published_version(card, make.SEED_CARD, effective_from=make.NOW)

    retry_quarantined()

    assert UsageEvent.objects.count() == BATCH + 1
    assert not QuarantinedEvent.objects.filter(resolved_at=None).exists()
