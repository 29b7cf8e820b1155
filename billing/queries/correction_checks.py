"""Re-deriving corrections from what they take back. Nothing here writes."""

from collections.abc import Iterator

from ledger.verification import Finding, compare

# What was in quarantine when it was taken back had neither a cost nor a period.
SUBJECTS = """
    SELECT format('correction %s', correction.id),
        CASE WHEN event.id IS NOT NULL
            THEN format('%s at %s', trim_scale(event.amount), event.occurred_at)
            WHEN quarantined.resolved_at IS NOT NULL
            THEN format('0 at %s', quarantined.occurred_at)
        END,
        format('%s at %s', trim_scale(correction.amount), correction.occurred_at)
    FROM billing_correction AS correction
    LEFT JOIN billing_usageevent AS event ON event.id = correction.event_id
        AND event.customer_id = correction.customer_id
    LEFT JOIN billing_quarantinedevent AS quarantined
        ON quarantined.id = correction.event_id
        AND quarantined.customer_id = correction.customer_id
"""
REPLACEMENTS = """
    SELECT format('correction %s', correction.id),
        format('event at %s', correction.occurred_at),
        format('event at %s', replacement.occurred_at)
    FROM billing_correction AS correction
    LEFT JOIN billing_usageevent AS replacement
        ON replacement.id = correction.replacement_id
        AND replacement.customer_id = correction.customer_id
    WHERE correction.kind = 'amend'
"""
# The sign makes equals of the two sides, and each must have as many rows.
_NUMBERS = """
    string_agg(format('%s (billed %s, flat %s) for %s', trim_scale(sign * quantity),
        trim_scale(sign * billed), trim_scale(sign * flat), trim_scale(sign * amount)),
        '; ' ORDER BY sign * quantity, sign * amount, sign * billed, sign * flat)
"""
_PRICE = """
    ROW(customer_id, model, rate_id, band_id, tier, unit, unit_name,
        trim_scale(unit_price), trim_scale(multiplier), trim_scale(discount),
        occurred_at)::text
"""
CHARGES = f"""
    SELECT format('event %s, %s at %s', event_id, dimension, price),
        derived.numbers, stored.numbers
    FROM (
        SELECT event_id, dimension, {_PRICE} AS price, {_NUMBERS} AS numbers
        FROM (
            SELECT charge.*, 1 AS sign FROM billing_charge AS charge
            JOIN billing_correction AS correction USING (event_id, customer_id)
            WHERE charge.correction_id IS NULL
        ) AS taken GROUP BY 1, 2, 3
    ) AS derived
    FULL JOIN (
        SELECT event_id, dimension, {_PRICE} AS price, {_NUMBERS} AS numbers
        FROM (
            SELECT *, -1 AS sign FROM billing_charge WHERE correction_id IS NOT NULL
        ) AS given GROUP BY 1, 2, 3
    ) AS stored USING (event_id, dimension, price)
"""  # noqa: S608 - made of our own constants.
PERIODS = """
    SELECT format('charge %s', charge.id),
        format('%s correcting %s by %s', correction.period_start,
            nullif(event.period_start, correction.period_start), correction.id),
        format('%s correcting %s by %s', charge.period_start, charge.corrects,
            charge.correction_id)
    FROM billing_charge AS charge
    LEFT JOIN billing_correction AS correction
        ON correction.event_id = charge.event_id
        AND correction.customer_id = charge.customer_id
    LEFT JOIN billing_usageevent AS event ON event.id = charge.event_id
    WHERE charge.correction_id IS NOT NULL
"""
ENTRIES = """
    SELECT format('customer %s, event %s, lot %s', customer_id, event_id, lot_id),
        trim_scale(taken.amount), trim_scale(given.amount)
    FROM (
        SELECT correction.customer_id, correction.event_id,
            coalesce(entry.lot_id, 0) AS lot_id, -sum(entry.amount) AS amount
        FROM billing_correction AS correction
        JOIN billing_customer AS customer ON customer.id = correction.customer_id
        JOIN billing_usageevent AS event ON event.id = correction.event_id
        JOIN ledger_entry AS entry ON entry.wallet_id = customer.wallet_id
            AND entry.kind = 'usage'
            AND entry.cause = 'event:' || event.idempotency_key
        GROUP BY 1, 2, 3
    ) AS taken
    FULL JOIN (
        SELECT customer.id AS customer_id, correction.event_id,
            coalesce(entry.lot_id, 0) AS lot_id, sum(entry.amount) AS amount
        FROM ledger_entry AS entry
        JOIN billing_customer AS customer ON customer.wallet_id = entry.wallet_id
        LEFT JOIN billing_correction AS correction
            ON correction.customer_id = customer.id
            AND 'correction:' || correction.id = entry.cause
            AND entry.sequence
                BETWEEN correction.first_entry AND correction.last_entry
        WHERE entry.kind = 'reversal'
            -- Credits that were not used, put back: for the checks of refunds.
            AND entry.cause NOT LIKE 'refund:%' AND entry.cause NOT LIKE 'dispute:%'
        GROUP BY 1, 2, 3
    ) AS given USING (customer_id, event_id, lot_id)
"""
REVERSED_ONCE = """
    SELECT format('wallet %s, entry %s', reversal.wallet_id, reversal.reverses),
        format('%s of lot %s', trim_scale(-entry.amount), entry.lot_id),
        format('%s of lot %s', trim_scale(sum(reversal.amount)),
            string_agg(reversal.lot_id::text, ', '))
    FROM ledger_entry AS reversal
    LEFT JOIN ledger_entry AS entry ON entry.wallet_id = reversal.wallet_id
        AND entry.sequence = reversal.reverses
        AND entry.kind IN ('usage', 'refund', 'dispute')
    WHERE reversal.kind = 'reversal'
    GROUP BY reversal.wallet_id, reversal.reverses, entry.amount, entry.lot_id
"""


def verify_corrections() -> Iterator[Finding]:
    """Check that what was taken back is what there was, once, and all of it."""
    yield compare("correction = the event it takes back", SUBJECTS)
    yield compare("every amendment has its replacement", REPLACEMENTS)
    yield compare("charges taken back = the event's, one by one", CHARGES)
    yield compare("charges taken back are in their correction's period", PERIODS)
    yield compare("credits given back = what the event took, lot by lot", ENTRIES)
    yield compare("every reversal reverses one entry, once", REVERSED_ONCE)
