"""Cutting a backtest's usage into chunks. Nothing here writes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from django.db import connection

from billing.models import Backtest, RateCardVersion
from billing.queries.priced_usage import UNCORRECTED

# Some seconds of work: little is lost with a worker, and big customers share workers.
EVENTS_PER_CHUNK = 20_000

# The card's customers, as far as their calls may wait in quarantine for its prices.
_USAGE = f"""
    SELECT event.customer_id, event.occurred_at, event.period_start, 1 AS events
    FROM billing_usageevent AS event
    WHERE event.occurred_at >= %(start)s AND event.occurred_at < %(end)s
        AND event.version_id = ANY(%(versions)s::bigint[]) AND {UNCORRECTED}
    UNION ALL
    SELECT event.customer_id, event.occurred_at,
        date_trunc('month', event.occurred_at AT TIME ZONE customer.time_zone)
            AT TIME ZONE customer.time_zone, 0
    FROM billing_quarantinedevent AS event
    JOIN billing_customer AS customer ON customer.id = event.customer_id
    JOIN billing_plan AS plan ON plan.id = customer.plan_id
    WHERE event.occurred_at >= %(start)s AND event.occurred_at < %(end)s
        AND event.resolved_at IS NULL
        AND (plan.rate_card_id = %(rate_card)s OR EXISTS (
            SELECT FROM billing_terms AS terms
            WHERE terms.customer_id = customer.id
                AND terms.rate_card_id = %(rate_card)s
        ))
"""  # noqa: S608 - made of our own constants.
_BY_PERIOD = f"""
    SELECT customer_id, period_start, sum(events)
    FROM ({_USAGE}) AS usage
    GROUP BY customer_id, period_start ORDER BY customer_id, period_start
"""  # noqa: S608 - the same.
_BY_TIME = f"""
    SELECT customer_id, min(occurred_at), sum(events)
    FROM (
        SELECT *, (row_number() OVER customer - 1) / %(size)s AS part
        FROM ({_USAGE}) AS usage
        WINDOW customer AS (PARTITION BY customer_id ORDER BY occurred_at)
    ) AS numbered
    GROUP BY customer_id, part ORDER BY customer_id, part
"""  # noqa: S608 - the same.


@dataclass(frozen=True, slots=True)
class PlannedChunk:
    """The usage of one customer in a time, and the period it is billed in, if named."""

    customer_id: int
    start: datetime
    end: datetime
    billed_in: datetime | None
    events: int


def list_versions(backtest: Backtest) -> list[int]:
    """Return all versions of a backtest's card: what they priced is priced again."""
    versions = RateCardVersion.objects.filter(rate_card=backtest.version.rate_card_id)
    return list(versions.order_by("pk").values_list("pk", flat=True))


def plan_by_period(backtest: Backtest) -> list[PlannedChunk]:
    """Cut usage by customer and billing period, which cannot be cut further."""
    start, end = backtest.period_start, backtest.period_end
    return [
        PlannedChunk(customer_id, start, end, billed_in, events)
        for customer_id, billed_in, events in _fetch(_BY_PERIOD, backtest)
    ]


def plan_by_time(
    backtest: Backtest, *, size: int = EVENTS_PER_CHUNK
) -> list[PlannedChunk]:
    """Cut usage by customer and time, into parts of about that many events."""
    rows = _fetch(_BY_TIME, backtest, size=size)
    return [
        chunk
        for customer_id, parts in groupby(rows, key=itemgetter(0))
        for chunk in _cut(customer_id, list(parts), backtest)
    ]


def _cut(
    customer_id: int, parts: list[tuple[Any, ...]], backtest: Backtest
) -> Iterator[PlannedChunk]:
    """Yield parts from one's first event to the next one's; the first from the start.

    Events at one instant stay together: a part that another begins with has none.
    """
    starts = [backtest.period_start, *(start for _, start, _ in parts[1:])]
    waiting = 0
    for (start, end), (*_, events) in zip(
        pairwise([*starts, backtest.period_end]), parts, strict=True
    ):
        waiting += events
        if start < end:
            yield PlannedChunk(customer_id, start, end, None, waiting)
            waiting = 0


def _fetch(sql: str, backtest: Backtest, **options: int) -> Iterable[tuple[Any, ...]]:
    parameters: dict[str, Any] = {
        "start": backtest.period_start,
        "end": backtest.period_end,
        "rate_card": backtest.version.rate_card_id,
        "versions": list_versions(backtest),
        **options,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor)
