"""What the clock does: each task finds its work in the database, whenever it runs."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
import yaml
from django.conf import settings
from django.core import mail

from billing.models import Backtest, Notice, QuarantinedEvent, UsageEvent
from billing.services.backtests import plan_backtest as plan
from billing.services.backtests import start_backtest
from billing.services.events import Status, StreamPart
from billing.services.quarantine import BATCH
from billing.services.rate_cards import create_rate_card
from billing.tasks import (
    cut_streams,
    forget_holds,
    note_expiring_credits,
    plan_backtest,
    retry_quarantined,
    review_alerts,
    send_notices,
    sweep_backtests,
)
from config.celery import app
from config.serving import _mail_worker, _worker
from ledger.models import CreditLot, Source
from ledger.tasks import expire_lots, sweep_expired_lots
from tests import make
from tests.billing.alerting import alert
from tests.processes import ROOT

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


def test_the_oldest_call_that_is_accepted_still_finds_its_lot() -> None:
    customer = make.customer(credits="10")
    oldest = make.NOW - settings.ACCEPTANCE_WINDOW
    lot = make.lot(
        customer.wallet,
        "5",
        source=Source.TRIAL,
        expires_at=oldest + timedelta(microseconds=1),
    )

    sweep_expired_lots()
    [outcome] = make.record(make.event(occurred_at=oldest))

    lot.refresh_from_db()
    assert outcome.status is Status.ACCEPTED
    assert 5 - lot.remaining == outcome.cost


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


def test_holds_are_forgotten_an_hour_after_they_have_ended() -> None:
    customer = make.customer()
    for minutes in (61, 60):
        ended = make.NOW - timedelta(minutes=minutes)
        customer.leases.create(amount=Decimal(1), expires_at=ended)

    forget_holds()

    assert customer.leases.get().expires_at == make.NOW - timedelta(hours=1)


class TestNotices:
    def test_of_what_time_has_crossed_are_mailed(self) -> None:
        customer = make.customer(credits="3")
        make.lot(customer.wallet, "5", expires_at=make.NOW + DAY)
        alert(customer, "4")

        with time_machine.travel(make.NOW + DAY, tick=False):
            for task in (review_alerts, send_notices, send_notices):
                task()

        assert [sent.subject for sent in mail.outbox] == ["Credits fell below $4.00"]

    def test_of_credits_that_expire_are_mailed_once(self) -> None:
        make.lot(make.customer().wallet, "5", expires_at=make.NOW + DAY)

        for task in (note_expiring_credits, send_notices) * 2:
            task()

        [sent] = mail.outbox
        assert sent.subject == "$5.00 of credits expire on 16 Nov 2026"

    def test_one_bad_notice_does_not_stop_the_others(self) -> None:
        make.lot(make.customer().wallet, "5", expires_at=make.NOW + DAY)
        note_expiring_credits()
        good = Notice.objects.get()
        bad = Notice.objects.create(
            customer=good.customer, kind=good.kind, reference="bad", facts={}
        )
        Notice.objects.filter(pk=bad.pk).update(facts={"credits": "much"})
        first = Notice.objects.create(
            customer=good.customer, kind="no_such_kind", reference="a", facts={}
        )

        send_notices()

        assert len(mail.outbox) == 1
        assert {bad.pk, first.pk} == set(
            Notice.objects.filter(sent_at=None).values_list("pk", flat=True)
        )


def test_mail_has_a_queue_and_a_worker_of_its_own() -> None:
    route = app.amqp.router.route({}, "billing.tasks.send_notice")
    other = app.amqp.router.route({}, "invoices.tasks.settle_payment")

    assert (route["queue"].name, other["queue"].name) == ("mail", "celery")
    assert "--queues=celery" in _worker()
    assert "--queues=mail" in _mail_worker()


@pytest.mark.parametrize(
    ("service", "queue"), [("worker", "celery"), ("mail-worker", "mail")]
)
def test_containers_serve_both_queues(service: str, queue: str) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())

    command = compose["services"][service]["command"]

    assert command[command.index("--queues") + 1] == queue


class TestBacktests:
    @pytest.fixture
    def backtest(self) -> Backtest:
        customer = make.customer(credits="50")
        make.record(make.event("a"), make.event("b"))
        return start_backtest(
            version=customer.plan.rate_card.versions.get(),
            start=make.NOW - DAY,
            end=make.NOW + DAY,
            by="ada",
            at=make.NOW,
        )

    def test_are_planned_and_run_to_the_end(self, backtest: Backtest) -> None:
        plan_backtest(backtest_id=backtest.pk)

        backtest.refresh_from_db()
        assert (backtest.events_done, backtest.status) == (2, "done")

    def test_are_taken_up_again_wherever_they_stopped(self, backtest: Backtest) -> None:
        with time_machine.travel(make.NOW + timedelta(minutes=11), tick=False):
            sweep_backtests()
        backtest.refresh_from_db()
        assert backtest.status == "done"

    def test_whose_messages_are_lost_are_queued_again(self, backtest: Backtest) -> None:
        plan(backtest_id=backtest.pk, at=make.NOW)
        sweep_backtests()
        backtest.refresh_from_db()
        assert backtest.status == "running"

        with time_machine.travel(make.NOW + timedelta(minutes=11), tick=False):
            sweep_backtests()

        backtest.refresh_from_db()
        assert backtest.status == "done"
