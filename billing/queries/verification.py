"""Re-deriving events and rollups from charges and entries. Nothing here writes."""

from collections.abc import Iterator

from billing.queries.correction_checks import verify_corrections
from billing.queries.price_checks import verify_prices
from billing.queries.true_up_checks import CAUSE, verify_true_ups
from ledger.verification import Finding, compare

CLAIMS = """
    SELECT format('claim %s', claim.id), 'recorded',
        CASE WHEN event.id IS NOT NULL OR quarantined.id IS NOT NULL
            OR correction.id IS NOT NULL
        THEN 'recorded' ELSE 'lost' END
    FROM billing_idempotencyclaim AS claim
    LEFT JOIN billing_usageevent AS event
        ON event.id = claim.id AND event.customer_id = claim.customer_id
        AND event.idempotency_key = claim.key AND event.occurred_at = claim.occurred_at
    LEFT JOIN billing_quarantinedevent AS quarantined
        ON quarantined.id = claim.id AND quarantined.resolved_at IS NULL
    -- Taken back before it had a price; had it one, it cost something.
    LEFT JOIN billing_correction AS correction
        ON correction.event_id = claim.id AND correction.customer_id = claim.customer_id
        AND correction.amount = 0
"""
STREAMS = """
    SELECT format('stream %s (%s)', stream.id, stream.key), 'claimed',
        CASE WHEN claim.id IS NOT NULL THEN 'claimed' ELSE 'lost' END
    FROM billing_stream AS stream
    LEFT JOIN billing_idempotencyclaim AS claim
        ON claim.customer_id = stream.customer_id AND claim.key = stream.key
    WHERE stream.closed_at IS NOT NULL
"""
EVENTS_ONCE = """
    SELECT format('event %s', event.id), 1, count(claim.id)
    FROM billing_usageevent AS event
    LEFT JOIN billing_idempotencyclaim AS claim ON claim.id = event.id
    GROUP BY event.id
"""
EVENTS = """
    SELECT format('event %s (%s)', event.id, event.idempotency_key),
        coalesce(sum(charge.amount), 0), event.amount
    FROM billing_usageevent AS event
    LEFT JOIN billing_charge AS charge
        ON charge.event_id = event.id AND charge.occurred_at = event.occurred_at
        AND charge.correction_id IS NULL
    GROUP BY event.id, event.idempotency_key, event.amount
"""
_USAGE_ENTRIES = """
    SELECT customer.id AS customer_id, entry.cause, -sum(entry.amount) AS amount,
        min(entry.sequence) AS first_entry, max(entry.sequence) AS last_entry
    FROM ledger_entry AS entry
    JOIN billing_customer AS customer ON customer.wallet_id = entry.wallet_id
    WHERE entry.kind = 'usage' GROUP BY customer.id, entry.cause
"""
ENTRIES = f"""
    SELECT format('customer %s, %s', customer_id, cause),
        format('%s by entries %s to %s', trim_scale(event.amount),
            event.first_entry, event.last_entry),
        format('%s by entries %s to %s', trim_scale(coalesce(taken.amount, 0)),
            taken.first_entry, taken.last_entry)
    FROM (
        SELECT *, 'event:' || idempotency_key AS cause FROM billing_usageevent
    ) AS event
    FULL JOIN ({_USAGE_ENTRIES}) AS taken USING (customer_id, cause)
"""  # noqa: S608 - made of our own constants.
USAGE = """
    SELECT format('customer %s, period %s, day %s, %s, rate %s, band %s, tier %s,'
            ' at %s, correcting %s', customer_id, period_start, day, model, rate_id,
            band_id, tier, discount, corrects),
        format('%s calls, %s, %s', derived.calls, trim_scale(derived.quantity),
            trim_scale(derived.amount)),
        format('%s calls, %s, %s', stored.calls, trim_scale(stored.quantity),
            trim_scale(stored.amount))
    FROM (
        SELECT charge.customer_id, charge.period_start,
            (charge.occurred_at AT TIME ZONE customer.time_zone)::date AS day,
            charge.model, charge.rate_id, coalesce(charge.band_id, 0) AS band_id,
            coalesce(charge.tier, -1) AS tier, charge.discount,
            coalesce(charge.corrects, '-infinity') AS corrects,
            count(DISTINCT charge.event_id) FILTER (WHERE correction_id IS NULL)
            - count(DISTINCT charge.event_id) FILTER (WHERE correction_id IS NOT NULL)
            AS calls,
            sum(charge.quantity) AS quantity,
            sum(charge.amount) AS amount
        FROM billing_charge AS charge
        JOIN billing_customer AS customer ON customer.id = charge.customer_id
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ) AS derived
    FULL JOIN (
        SELECT customer_id, period_start, day, model, rate_id,
            coalesce(band_id, 0) AS band_id, coalesce(tier, -1) AS tier, discount,
            coalesce(corrects, '-infinity') AS corrects, calls, quantity, amount
        FROM billing_usagerollup
    ) AS stored USING (customer_id, period_start, day, model, rate_id, band_id, tier,
        discount, corrects)
"""
KEYS = """
    SELECT format('customer %s, API key %s, day %s, %s', customer_id, api_key_id, day,
            model),
        format('%s calls, %s', derived.calls, trim_scale(derived.amount)),
        format('%s calls, %s', stored.calls, trim_scale(stored.amount))
    FROM (
        SELECT event.customer_id, event.api_key_id,
            (event.occurred_at AT TIME ZONE customer.time_zone)::date AS day,
            event.model, count(*) - count(correction.id) AS calls,
            sum(event.amount - coalesce(correction.amount, 0)) AS amount
        FROM billing_usageevent AS event
        JOIN billing_customer AS customer ON customer.id = event.customer_id
        LEFT JOIN billing_correction AS correction ON correction.event_id = event.id
        WHERE event.api_key_id IS NOT NULL
        GROUP BY 1, 2, 3, 4
    ) AS derived
    FULL JOIN billing_keyrollup AS stored
        USING (customer_id, api_key_id, day, model)
"""
# No foreign key guards what lies in partitions.
KEY_OWNERS = """
    SELECT format('event %s', event.id), event.customer_id, key.customer_id
    FROM billing_usageevent AS event
    LEFT JOIN billing_apikey AS key ON key.id = event.api_key_id
    WHERE event.api_key_id IS NOT NULL
"""
FUNDING = f"""
    SELECT format('customer %s, period %s, lot %s', customer_id, period_start, lot_id),
        derived.amount, stored.amount
    FROM (
        SELECT paid.customer_id, paid.period_start,
            coalesce(entry.lot_id, 0) AS lot_id, -sum(entry.amount) AS amount
        FROM ledger_entry AS entry
        JOIN billing_customer AS customer ON customer.wallet_id = entry.wallet_id
        JOIN (
            SELECT customer_id, period_start, 'usage' AS kind,
                'event:' || idempotency_key AS cause
            FROM billing_usageevent
            UNION ALL
            SELECT customer_id, period_start, 'reversal', 'correction:' || id
            FROM billing_correction
            UNION ALL
            SELECT DISTINCT customer_id, period_start, 'true_up', {CAUSE}
            FROM billing_trueup
        ) AS paid ON paid.customer_id = customer.id
            AND paid.kind = entry.kind AND paid.cause = entry.cause
        GROUP BY 1, 2, 3
    ) AS derived
    FULL JOIN (
        SELECT customer_id, period_start, coalesce(lot_id, 0) AS lot_id, amount
        FROM billing_fundingrollup
    ) AS stored USING (customer_id, period_start, lot_id)
"""  # noqa: S608 - made of our own constants.
WATCHES = """
    SELECT format('customer %s', customer.id),
        coalesce(trim_scale(max(alert.threshold))::text, 'nothing'),
        coalesce(trim_scale(customer.watch_below)::text, 'nothing')
    FROM billing_customer AS customer
    LEFT JOIN billing_balancealert AS alert
        ON alert.customer_id = customer.id AND alert.is_armed
    GROUP BY customer.id
"""


def verify_usage() -> Iterator[Finding]:
    """Check that what was acknowledged is there, once, and all sums agree."""
    yield compare("every claim has its event", CLAIMS)
    yield compare("every event has one claim", EVENTS_ONCE)
    yield compare("every closed stream has its claim", STREAMS)
    yield compare("event = sum of its charges", EVENTS)
    yield from verify_prices()
    yield compare("event = what its entries took", ENTRIES)
    yield compare("usage rollups = charges", USAGE)
    yield compare("key rollups = events of the key", KEYS)
    yield compare("every event's API key is its customer's", KEY_OWNERS)
    yield compare("funding rollups = entries", FUNDING)
    yield from verify_corrections()
    yield from verify_true_ups()
    yield compare("customer watches below its highest armed alert", WATCHES)
