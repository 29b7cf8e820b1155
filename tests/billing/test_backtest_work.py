"""The work of a backtest: cut into chunks, each counted once, whoever dies."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import transaction

from billing.models import Backtest, BacktestChunk, BacktestLine, Customer, UsageEvent
from billing.models.backtests import BacktestStatus
from billing.queries.backtest_planning import plan_by_time
from billing.queries.backtests import list_open_chunks
from billing.services.backtest_chunks import run_chunk
from billing.services.backtests import (
    MAX_ATTEMPTS,
    plan_backtest,
    requeue_chunks,
    requeue_plans,
    start_backtest,
)
from config.verification import verify_all
from ledger.append_only import AppendOnly
from ledger.models import Wallet
from ledger.money import total
from tests import make
from tests.billing.backtesting import END, START, backtest_on, draft, planned
from tests.make import NOW
from tests.threads import run_at_once, run_behind

HOUR = timedelta(hours=1)
LATER = NOW + HOUR


@pytest.fixture
def customer() -> Customer:
    made = make.customer(credits="50")
    make.record(
        *[make.event(f"req_{n}", occurred_at=NOW - n * HOUR) for n in range(10)]
    )
    return made


@pytest.mark.django_db
class TestPlan:
    def test_cuts_time_so_that_every_event_is_in_one_part(
        self, customer: Customer
    ) -> None:
        # Three at one instant are more than a part is to hold.
        make.record(*[make.event(f"same_{n}") for n in range(3)])
        backtest, _ = planned(customer.plan.rate_card.versions.get())

        chunks = plan_by_time(backtest, size=2)

        assert [chunk.start for chunk in chunks[1:]] == [
            chunk.end for chunk in chunks[:-1]
        ]
        assert (chunks[0].start, chunks[-1].end) == (START, END)
        assert sum(chunk.events for chunk in chunks) == 13
        assert len(chunks) > 4

    def test_is_made_once(self, customer: Customer) -> None:
        backtest, chunks = planned(customer.plan.rate_card.versions.get())

        again = plan_backtest(backtest_id=backtest.pk, at=NOW)

        assert len(chunks) == 1
        assert again == []
        assert (backtest.status, backtest.events_total) == ("running", 10)

    def test_fails_where_prices_cannot_be_read(self, customer: Customer) -> None:
        version = draft(customer.plan.rate_card, make.SEED_CARD)
        version.bands.all().delete()
        version.rates.all().delete()

        backtest, _ = planned(version)

        assert backtest.status == BacktestStatus.FAILED
        assert backtest.error == "card: models must hold at least one model"


@pytest.mark.django_db
class TestChunks:
    def test_add_up_to_the_whole(self, customer: Customer) -> None:
        backtest, [whole] = planned(customer.plan.rate_card.versions.get())
        _replace_by_parts(backtest, whole)

        progress = []
        for chunk_id in list_open_chunks(backtest):
            run_chunk(chunk_id=chunk_id, at=NOW)
            backtest.refresh_from_db()
            progress.append((backtest.events_done, backtest.status))

        assert progress == [
            (3, "running"),
            (6, "running"),
            (9, "running"),
            (10, "done"),
        ]
        assert total(line.after for line in BacktestLine.objects.all()) == total(
            event.amount for event in UsageEvent.objects.all()
        )

    def test_count_what_came_after_the_plan(self, customer: Customer) -> None:
        backtest, [chunk] = planned(customer.plan.rate_card.versions.get())
        make.record(make.event("late"))

        run_chunk(chunk_id=chunk, at=NOW)

        backtest.refresh_from_db()
        assert (backtest.events_total, backtest.events_done) == (11, 11)

    def test_of_a_backtest_that_failed_are_left_alone(self, customer: Customer) -> None:
        _, [chunk] = planned(customer.plan.rate_card.versions.get())
        Backtest.objects.update(status=BacktestStatus.FAILED, finished_at=NOW)

        assert run_chunk(chunk_id=chunk, at=NOW) == 0

    def test_change_no_book(self, customer: Customer) -> None:
        make.record(make.event("odd", model="unheard-of"))
        version = draft(customer.plan.rate_card, make.SEED_CARD)
        before = _history(), Wallet.objects.get().balance

        backtest_on(version)

        assert (_history(), Wallet.objects.get().balance) == before
        assert [each for each in verify_all() if each.differences] == []


def _replace_by_parts(backtest: Backtest, chunk_id: int) -> None:
    parts = plan_by_time(backtest, size=3)
    BacktestChunk.objects.filter(pk=chunk_id).delete()
    BacktestChunk.objects.bulk_create(
        BacktestChunk(
            backtest=backtest,
            customer_id=part.customer_id,
            period_start=part.start,
            period_end=part.end,
            events=part.events,
            queued_at=NOW,
        )
        for part in parts
    )


def _history() -> dict[str, int]:
    kept = [model for model in apps.get_models() if issubclass(model, AppendOnly)]
    books = [*kept, *(apps.get_model("billing", name) for name in ROLLUPS)]
    return {model.__name__: model._default_manager.count() for model in books}


ROLLUPS = ("UsageRollup", "FundingRollup", "QuarantinedEvent", "RateCardVersion")


@pytest.mark.django_db
class TestSweep:
    def test_queues_what_a_dead_worker_left(self, customer: Customer) -> None:
        _, [chunk] = planned(customer.plan.rate_card.versions.get())
        BacktestChunk.objects.update(attempts=1)

        too_soon = requeue_chunks(queued_before=NOW, at=LATER)
        stale = requeue_chunks(queued_before=LATER, at=LATER)
        again = requeue_chunks(queued_before=LATER, at=LATER)

        assert (too_soon, stale, again) == ([], [chunk], [])

    def test_queues_no_chunk_that_is_done(self, customer: Customer) -> None:
        backtest_on(customer.plan.rate_card.versions.get())

        assert requeue_chunks(queued_before=LATER, at=LATER) == []

    def test_gives_up_in_the_end(self, customer: Customer) -> None:
        backtest, [chunk] = planned(customer.plan.rate_card.versions.get())
        BacktestChunk.objects.update(attempts=MAX_ATTEMPTS)

        assert requeue_chunks(queued_before=LATER, at=LATER) == []

        backtest.refresh_from_db()
        assert backtest.status == BacktestStatus.FAILED
        assert backtest.error == f"Chunk {chunk} was begun 5 times and never finished."

    def test_queues_what_nobody_planned(self, customer: Customer) -> None:
        backtest = start_backtest(
            version=customer.plan.rate_card.versions.get(),
            start=START,
            end=END,
            by="ada",
            at=NOW,
        )

        assert requeue_plans(queued_before=NOW, at=LATER) == []
        assert requeue_plans(queued_before=LATER, at=LATER) == [backtest.pk]


@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    def test_do_a_chunk_once(self, customer: Customer) -> None:
        backtest, [chunk] = planned(customer.plan.rate_card.versions.get())

        def run() -> int:
            return run_chunk(chunk_id=chunk, at=NOW)

        done = run_at_once([run, run])

        backtest.refresh_from_db()
        assert sorted(done) == [0, 10]
        assert backtest.events_done == 10
        assert backtest.status == BacktestStatus.DONE

    def test_are_not_sent_what_one_works_on(self, customer: Customer) -> None:
        _, [chunk] = planned(customer.plan.rate_card.versions.get())

        def sweep() -> list[int]:
            return requeue_chunks(queued_before=LATER, at=LATER)

        with transaction.atomic():
            BacktestChunk.objects.select_for_update().get(pk=chunk)
            [found] = run_at_once([sweep])

        assert found == []
        assert requeue_chunks(queued_before=LATER, at=LATER) == [chunk]

    def test_end_together_and_finish_it(self, customer: Customer) -> None:
        backtest, [whole] = planned(customer.plan.rate_card.versions.get())
        _replace_by_parts(backtest, whole)
        chunks = list_open_chunks(backtest)

        done = run_behind(
            lambda: Backtest.objects.select_for_update().get(),
            [lambda pk=pk: run_chunk(chunk_id=pk, at=NOW) for pk in chunks],  # type: ignore[misc]
            commit=True,
        )

        backtest.refresh_from_db()
        assert sum(done) == 10
        assert backtest.status == BacktestStatus.DONE
