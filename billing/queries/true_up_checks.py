"""Re-deriving true-ups from rollups, tiers and entries. Nothing here writes."""

from collections.abc import Iterator

from ledger.verification import Finding, compare

# What the entries of a period's true-up name, as the service that posts them has it.
CAUSE = """
    'true_up:' || to_char(period_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
"""
USES = """
    SELECT format('true-up %s', due.id),
        format('%s for %s',
            trim_scale(coalesce(
                sum(rollup.quantity) FILTER (WHERE rollup.tier > 0), 0)),
            trim_scale(sum(rollup.amount))),
        format('%s for %s', trim_scale(due.quantity), trim_scale(due.charged))
    FROM billing_trueup AS due
    LEFT JOIN billing_usagerollup AS rollup ON rollup.customer_id = due.customer_id
        AND rollup.period_start = due.period_start AND rollup.model = due.model
        AND rollup.rate_id = due.rate_id AND rollup.discount = due.discount
        AND rollup.band_id IS NOT DISTINCT FROM due.band_id
    WHERE due.reason = 'volume'
    GROUP BY due.id
"""
# The flat price of a tier is due once, with the last of its uses.
AMOUNTS = """
    SELECT format('true-up %s', due.id),
        CASE WHEN least(abs(due.amount - derived.cost),
            abs(due.amount - derived.cost - derived.flat)) <= 1e-18
        THEN due.amount ELSE round(derived.cost, 18) END,
        due.amount
    FROM billing_trueup AS due
    JOIN billing_rate AS rate ON rate.id = due.rate_id
    JOIN billing_ratetier AS tier
        ON tier.rate_id = due.rate_id AND tier.position = due.tier
    LEFT JOIN billing_contextband AS band ON band.id = due.band_id
    CROSS JOIN LATERAL (
        SELECT due.quantity * tier.price * coalesce(band.multiplier, 1) * due.discount
            / rate.unit - due.charged AS cost,
            tier.flat * due.discount AS flat
    ) AS derived
"""
BOUNDS = """
    SELECT format('true-up %s', due.id),
        CASE due.reason WHEN 'minimum' THEN rate.minimum_per_period
            ELSE rate.maximum_per_period END,
        due.charged + due.amount
    FROM billing_trueup AS due
    JOIN billing_rate AS rate ON rate.id = due.rate_id
    WHERE due.reason IN ('minimum', 'maximum')
"""
ENTRIES = f"""
    SELECT format('customer %s, %s', customer_id, cause),
        trim_scale(due.amount), trim_scale(taken.amount)
    FROM (
        SELECT customer_id, {CAUSE} AS cause, sum(amount) AS amount
        FROM billing_trueup GROUP BY 1, 2
    ) AS due
    FULL JOIN (
        SELECT customer.id AS customer_id, entry.cause, -sum(entry.amount) AS amount
        FROM ledger_entry AS entry
        JOIN billing_customer AS customer ON customer.wallet_id = entry.wallet_id
        WHERE entry.kind = 'true_up' GROUP BY 1, 2
    ) AS taken USING (customer_id, cause)
    WHERE due.amount <> 0 OR taken.amount <> 0
"""  # noqa: S608 - made of our own constants.


def verify_true_ups() -> Iterator[Finding]:
    """Check what periods were asked for, or given back, once they ended."""
    yield compare("true-up = usage of its period", USES)
    yield compare("true-up = usage at its last tier - charges", AMOUNTS)
    yield compare("true-up = the least or the most of its period", BOUNDS)
    yield compare("true-ups = what their entries took", ENTRIES)
