"""Which billing periods a backtest has to true up. Nothing here writes."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from billing.models import Backtest, BacktestChunk, Customer, Rate, Terms
from billing.periods import period_containing, periods_within
from billing.queries.backtest_planning import PlannedChunk
from billing.queries.cards import may_be_trued_up


def plan_true_ups(
    backtest: Backtest, planned: Sequence[PlannedChunk], *, at: datetime
) -> list[PlannedChunk]:
    """Return a chunk without usage for each period that only its end may charge.

    Periods that usage was planned by are trued up with it. A least is owed by every
    customer of the card, used or not, whose period had begun at that instant.
    """
    if not _list_trued_up(backtest).exists():
        return []
    done = {(chunk.customer_id, chunk.billed_in) for chunk in planned}
    return [
        chunk
        for customer in _list_customers(backtest, planned).order_by("pk")
        for chunk in _plan(customer, backtest, at)
        if (chunk.customer_id, chunk.billed_in) not in done
    ]


def cuts_true_ups(backtest: Backtest) -> bool:
    """Tell whether some customer's billing period is only in part in a backtest's time.

    It does not matter where no price is trued up.
    """
    bounds = backtest.period_start, backtest.period_end
    chunks = BacktestChunk.objects.filter(backtest=backtest)
    zones = chunks.values_list("customer__time_zone", flat=True).distinct()
    is_cut = any(
        period_containing(at, ZoneInfo(zone)).start != at
        for zone in zones
        for at in bounds
    )
    return is_cut and _list_trued_up(backtest).exists()


def _list_trued_up(backtest: Backtest) -> QuerySet[Rate]:
    """Return the rates in force, or on trial, whose period's end may cost something."""
    version = backtest.version
    is_compared = Q(version__published_at__isnull=False) | Q(version=version)
    return Rate.objects.filter(
        is_compared, may_be_trued_up(), version__rate_card=version.rate_card_id
    )


def _list_customers(
    backtest: Backtest, planned: Sequence[PlannedChunk]
) -> QuerySet[Customer]:
    """Return who may be trued up: who used the card, and who owes a least of it."""
    has_used = Q(pk__in={chunk.customer_id for chunk in planned})
    if not _list_trued_up(backtest).filter(minimum_per_period__gt=0).exists():
        return Customer.objects.filter(has_used)
    card = backtest.version.rate_card_id
    own = Terms.objects.filter(customer=OuterRef("pk"), rate_card=card)
    came_in_time = Q(recorded_at__lt=backtest.period_end)
    is_on_card = Q(plan__rate_card=card) | Exists(own)
    return Customer.objects.filter(has_used | (came_in_time & is_on_card))


def _plan(
    customer: Customer, backtest: Backtest, at: datetime
) -> Iterator[PlannedChunk]:
    start, end = backtest.period_start, backtest.period_end
    for period in periods_within(start, end, customer.zone):
        if period.start < at:
            yield PlannedChunk(customer.pk, start, end, period.start, 0)
