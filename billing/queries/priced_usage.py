"""Reading a customer's recorded usage to price it again. Nothing here writes.

Events come as plain rows, thousands at a time: model instances would cost more than
pricing does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

BATCH = 10_000
_DAY = timedelta(days=1)

# A correction takes the whole of an event back: it was never charged in the end.
UNCORRECTED = """
    NOT EXISTS (
        SELECT FROM billing_correction AS correction
        WHERE correction.customer_id = event.customer_id
            AND correction.event_id = event.id
    )
"""
_EVENTS = f"""
    SELECT event.id, event.occurred_at, event.model, event.properties::text,
        event.amount, NULL AS quarantined, event.first_entry
    FROM billing_usageevent AS event
    WHERE event.customer_id = %(customer_id)s
        AND event.occurred_at >= %(start)s AND event.occurred_at < %(end)s
        AND (%(versions)s::bigint[] IS NULL
            OR event.version_id = ANY(%(versions)s::bigint[]))
        AND (%(billed_in)s::timestamptz IS NULL OR event.period_start = %(billed_in)s)
        AND {UNCORRECTED}
"""  # noqa: S608 - made of our own constants.
_QUARANTINED = """
    UNION ALL
    SELECT event.id, event.occurred_at,
        CASE jsonb_typeof(event.properties -> 'model')
            WHEN 'string' THEN event.properties ->> 'model' ELSE '' END,
        event.properties::text, 0, event.reason, NULL
    FROM billing_quarantinedevent AS event
    WHERE event.customer_id = %(customer_id)s AND event.resolved_at IS NULL
        AND event.occurred_at >= greatest(%(start)s, %(billed_in)s)
        AND event.occurred_at < %(end)s
"""
# As they were priced: a batch takes its keys in another order than it debits.
_IN_ORDER = """
    ORDER BY coalesce(first_entry, max(first_entry) OVER (ORDER BY id)) NULLS FIRST, id
"""
# The index of charges leads with rate and band, and rollups know which there are.
_CHARGES = """
    SELECT charge.model, charge.dimension, sum(charge.amount)
    FROM (
        SELECT DISTINCT rate_id, band_id, period_start FROM billing_usagerollup
        WHERE customer_id = %(customer_id)s AND day BETWEEN %(first)s AND %(last)s
    ) AS price
    CROSS JOIN LATERAL (
        SELECT * FROM billing_charge
        WHERE customer_id = %(customer_id)s AND rate_id = price.rate_id
            AND band_id = price.band_id AND period_start = price.period_start
            AND occurred_at BETWEEN %(start)s AND %(end)s
        UNION ALL
        SELECT * FROM billing_charge
        WHERE customer_id = %(customer_id)s AND rate_id = price.rate_id
            AND band_id IS NULL AND price.band_id IS NULL
            AND period_start = price.period_start
            AND occurred_at BETWEEN %(start)s AND %(end)s
    ) AS charge
    WHERE charge.correction_id IS NULL AND charge.event_id = ANY(%(ids)s::bigint[])
    GROUP BY 1, 2
"""
_FIRST_DAY = """
    SELECT min(day) FROM billing_usagerollup
    WHERE customer_id = %s AND period_start = %s
"""
_PERIODS = """
    SELECT DISTINCT period_start FROM billing_usageevent
    WHERE customer_id = %s AND occurred_at >= %s AND occurred_at < %s
    ORDER BY period_start
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Which usage of a customer is meant: what happened from `start` to before `end`.

    With `versions`, what they priced alone. With `billed_in`, what was billed in that
    period alone, in the order in which it was priced.
    """

    customer_id: int
    start: datetime
    end: datetime
    versions: Sequence[int] | None = None
    billed_in: datetime | None = None
    with_quarantined: bool = False


class StoredEvent(NamedTuple):
    """One event as it is stored, with its properties as JSON text.

    `quarantined` is why it has no price, if it has none.
    """

    id: int
    occurred_at: datetime
    model: str
    properties: str
    amount: Decimal
    quarantined: str | None


class Charged(NamedTuple):
    """What some calls of a model were charged on one dimension."""

    model: str
    dimension: str
    amount: Decimal


def read_usage(usage: Usage) -> Iterator[list[StoredEvent]]:
    """Yield the events in batches; those that were taken back are left out."""
    events = _EVENTS + (_QUARANTINED if usage.with_quarantined else "")
    order = _IN_ORDER if usage.billed_in else ""
    columns = "id, occurred_at, model, properties, amount, quarantined"
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM ({events}) AS event {order}",  # noqa: S608 - ours.
            _parameters(usage),
        )
        while rows := cursor.fetchmany(BATCH):
            yield [StoredEvent(*row) for row in rows]


def _parameters(usage: Usage) -> dict[str, Any]:
    return {
        "customer_id": usage.customer_id,
        "start": usage.start,
        "end": usage.end,
        "versions": None if usage.versions is None else list(usage.versions),
        "billed_in": usage.billed_in,
    }


def sum_charges(
    *, customer_id: int, event_ids: Sequence[int], first: datetime, last: datetime
) -> list[Charged]:
    """Return what a customer's events were charged; they happened from first to last.

    Charges of corrections are left out.
    """
    if not event_ids:
        return []
    parameters: dict[str, Any] = {
        "customer_id": customer_id,
        "ids": list(event_ids),
        "start": first,
        "end": last,
        # Days are counted in the customer's time zone.
        "first": first.date() - _DAY,
        "last": last.date() + _DAY,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHARGES, parameters)
        return [Charged(*row) for row in cursor]


def find_first_usage(*, customer_id: int, billed_in: datetime) -> datetime | None:
    """Return an instant before all charged usage that a period bills, if there is any.

    Late usage happened before the period began.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_DAY, [customer_id, billed_in])
        [day] = cursor.fetchone()
    return day and datetime.combine(day, time.min, UTC) - _DAY


def list_billed_periods(
    *, customer_id: int, start: datetime, end: datetime
) -> list[datetime]:
    """Return the periods that bill what happened between two instants."""
    with connection.cursor() as cursor:
        cursor.execute(_PERIODS, [customer_id, start, end])
        return [period_start for (period_start,) in cursor]
