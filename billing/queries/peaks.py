"""A customer's busiest minutes. Nothing here writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from billing.models import Customer
from billing.pricing.tier_proposals import Traffic
from billing.queries.stated_tokens import tokens_sql

# As many calls are read for a page, of all customers on it.
MOST_CALLS: Final = 1_000_000
# By minute and model, and by minute alone.
_PEAKS = f"""
    SELECT model, max(requests), ceil(max(tokens))::bigint, sum(requests)::bigint
    FROM (
        SELECT model, count(*) AS requests, sum(tokens) AS tokens
        FROM (
            SELECT model, date_trunc('minute', occurred_at) AS minute,
                {tokens_sql("properties")} AS tokens
            FROM billing_usageevent
            WHERE customer_id = %s AND occurred_at >= %s AND occurred_at < %s
            ORDER BY occurred_at DESC, id DESC
            LIMIT %s
        ) AS latest
        GROUP BY GROUPING SETS ((minute, model), (minute))
    ) AS minutes
    GROUP BY model
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Peaks:
    """The most requests, and the most tokens, in a minute: by model, and of all.

    They need not be of the same minute. Minutes are the clock's: a full bucket lets a
    limit through at once and refills meanwhile, so that nearly twice it may be in one.
    """

    by_model: Mapping[str, Traffic]
    together: Traffic
    # How many of the latest calls were looked at.
    calls: int


def find_peaks(
    customer: Customer, *, start: datetime, end: datetime, most: int
) -> Peaks:
    """Return a customer's busiest minutes among the latest of its calls."""
    with connection.cursor() as cursor:
        cursor.execute(_PEAKS, [customer.pk, start, end, most])
        rows = cursor.fetchall()
    traffic = {model: Traffic(requests, tokens) for model, requests, tokens, _ in rows}
    together = traffic.pop(None, Traffic())
    calls = sum(count for model, *_, count in rows if model is None)
    return Peaks(traffic, together, calls)
