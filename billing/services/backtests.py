"""Trying a version of a card on a past period, without a change to any book.

The work lies in chunks in the database. Whoever is told of one may do it, again or
late: it counts once.
"""

from datetime import datetime

from django.db import transaction

from billing.models import Backtest, BacktestChunk, RateCardVersion
from billing.models.backtests import BacktestStatus
from billing.pricing.card import CardError
from billing.pricing.rating import compile_card
from billing.queries.backtest_planning import (
    PlannedChunk,
    plan_by_period,
    plan_by_time,
)
from billing.queries.backtest_true_ups import plan_true_ups
from billing.queries.cards import load_card

# After this many workers died with a chunk, it is not tried again.
MAX_ATTEMPTS = 5
MOST_REQUEUED = 1_000


class EmptyPeriodError(Exception):
    """The period ends before it starts, or at once."""


@transaction.atomic
def start_backtest(
    *, version: RateCardVersion, start: datetime, end: datetime, by: str, at: datetime
) -> Backtest:
    """Ask for a period's usage to be priced again on a version, published or not.

    Nothing is read yet: `plan_backtest` is next.

    :raises EmptyPeriodError: if the period has no length.
    """
    if end <= start:
        message = f"{end:%Y-%m-%d %H:%M} is not after {start:%Y-%m-%d %H:%M}"
        raise EmptyPeriodError(message)
    return Backtest.objects.create(
        version=version,
        period_start=start,
        period_end=end,
        requested_by=by,
        queued_at=at,
    )


@transaction.atomic
def plan_backtest(*, backtest_id: int, at: datetime) -> list[int]:
    """Cut a backtest's usage into chunks; returns their ids.

    A backtest that is planned, or that another worker is planning, is left alone. One
    without usage is done, and one whose prices cannot be read has failed.
    """
    waiting = Backtest.objects.filter(pk=backtest_id, status=BacktestStatus.QUEUED)
    locked = waiting.select_related("version__rate_card").select_for_update(
        skip_locked=True, of=("self",)
    )
    backtest = locked.first()
    if backtest is None:
        return []
    try:
        chunks = _plan(backtest, at)
    except CardError as error:
        _finish(backtest, BacktestStatus.FAILED, at, error=str(error))
        return []
    return _store(backtest, chunks, at)


def _plan(backtest: Backtest, at: datetime) -> list[PlannedChunk]:
    card = compile_card(load_card(backtest.version_id))
    usage = (plan_by_period if card.has_period_prices else plan_by_time)(backtest)
    return [*usage, *plan_true_ups(backtest, usage, at=at)]


def _store(backtest: Backtest, planned: list[PlannedChunk], at: datetime) -> list[int]:
    rows = BacktestChunk.objects.bulk_create(
        BacktestChunk(
            backtest=backtest,
            customer_id=chunk.customer_id,
            period_start=chunk.start,
            period_end=chunk.end,
            billed_in=chunk.billed_in,
            events=chunk.events,
            queued_at=at,
        )
        for chunk in planned
    )
    backtest.status, backtest.started_at = BacktestStatus.RUNNING, at
    backtest.events_total = sum(chunk.events for chunk in planned)
    backtest.save(update_fields=["status", "started_at", "events_total"])
    if not rows:
        _finish(backtest, BacktestStatus.DONE, at)
    return [row.pk for row in rows]


def _finish(
    backtest: Backtest, status: BacktestStatus, at: datetime, *, error: str = ""
) -> None:
    backtest.status, backtest.finished_at, backtest.error = status, at, error
    backtest.save(update_fields=["status", "finished_at", "error"])


@transaction.atomic
def requeue_plans(*, queued_before: datetime, at: datetime) -> list[int]:
    """Return the backtests that nobody planned for too long, as queued now."""
    waiting = Backtest.objects.filter(
        status=BacktestStatus.QUEUED, queued_at__lt=queued_before
    )
    locked = waiting.order_by("pk").select_for_update(skip_locked=True)
    ids = list(locked.values_list("pk", flat=True))
    Backtest.objects.filter(pk__in=ids).update(queued_at=at)
    return ids


@transaction.atomic
def requeue_chunks(*, queued_before: datetime, at: datetime) -> list[int]:
    """Return chunks that nobody finished or works on, as queued now.

    They are a thousand at most. A backtest with a chunk that was begun too often has
    failed.
    """
    waiting = BacktestChunk.objects.filter(
        backtest__status=BacktestStatus.RUNNING,
        done_at__isnull=True,
        queued_at__lt=queued_before,
    )
    # Whoever works on one holds its lock.
    locked = waiting.order_by("pk").select_for_update(skip_locked=True, of=("self",))
    chunks = list(locked[:MOST_REQUEUED])
    _give_up([each for each in chunks if each.attempts >= MAX_ATTEMPTS], at)
    ids = [each.pk for each in chunks if each.attempts < MAX_ATTEMPTS]
    BacktestChunk.objects.filter(pk__in=ids).update(queued_at=at)
    return ids


def _give_up(chunks: list[BacktestChunk], at: datetime) -> None:
    for chunk in chunks:
        error = f"Chunk {chunk.pk} was begun {chunk.attempts} times and never finished."
        _finish(chunk.backtest, BacktestStatus.FAILED, at, error=error)
