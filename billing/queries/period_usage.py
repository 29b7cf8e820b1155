"""What billing periods have used so far, for the prices that depend on it."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from billing.pricing.conditions import read_when
from billing.pricing.period_prices import Used
from ledger.database import as_json_rows

_SUM = """
    SELECT wanted.customer_id, wanted.period_start, version.rate_card_id,
        rate.model, rate.dimension, rate."when", sum(rollup.quantity)
    FROM jsonb_to_recordset(%s) AS wanted
        (customer_id bigint, period_start timestamptz, rate_card_id bigint)
    JOIN billing_usagerollup AS rollup USING (customer_id, period_start)
    JOIN billing_rate AS rate ON rate.id = rollup.rate_id
    JOIN billing_ratecardversion AS version
        ON version.id = rate.version_id AND version.rate_card_id = wanted.rate_card_id
    WHERE rate.per_period <> ''
    GROUP BY 1, 2, 3, 4, 5, 6
    -- Where all calls were taken back, the next one is the period's first again.
    HAVING sum(rollup.calls) > 0
"""


class PeriodKey(NamedTuple):
    """One customer's period on one card, whatever the card's version."""

    customer_id: int
    period_start: datetime
    rate_card_id: int


def read_used(keys: Iterable[PeriodKey]) -> dict[PeriodKey, Used]:
    """Return what each period has used of the rates that depend on it.

    Read it with the wallets locked: who adds to it holds the same locks.
    """
    used: dict[PeriodKey, Used] = {key: {} for key in keys}
    if not used:
        return used
    with connection.cursor() as cursor:
        cursor.execute(_SUM, [as_json_rows(key._asdict() for key in used)])
        for customer, start, card, model, dimension, when, quantity in cursor:
            meter = (model, dimension, read_when(json.loads(when)))
            used[PeriodKey(customer, start, card)][meter] = quantity
    return used
