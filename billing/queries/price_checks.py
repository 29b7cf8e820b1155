"""Re-deriving what charges were priced at from cards and terms. Nothing here writes."""

from collections.abc import Iterator

from ledger.verification import Finding, compare

_PRICED = """
    billing_charge AS charge
    LEFT JOIN billing_rate AS rate ON rate.id = charge.rate_id
    LEFT JOIN billing_ratetier AS tier
        ON tier.rate_id = rate.id AND tier.position = charge.tier
    LEFT JOIN billing_contextband AS band ON band.id = charge.band_id
    CROSS JOIN LATERAL (SELECT
        CASE WHEN rate.dimension = 'minimum' THEN 1 WHEN charge.tier = 0 THEN 0
        ELSE coalesce(tier.price, rate.price) END AS price,
        coalesce(band.multiplier, 1) AS multiplier
    ) AS priced
"""
CHARGES = f"""
    SELECT format('charge %s', charge.id),
        -- Equal if they differ by no more than half of the last digit that is stored.
        CASE WHEN 2 * abs(charge.amount * rate.unit - derived.product)
            <= rate.unit * 1e-18
        THEN charge.amount ELSE round(derived.product / rate.unit, 18) END,
        charge.amount
    FROM {_PRICED}
    CROSS JOIN LATERAL (SELECT (
        coalesce(charge.billed, charge.quantity) * priced.price * priced.multiplier
        + coalesce(charge.flat, 0) * rate.unit
    ) * charge.discount AS product) AS derived
"""  # noqa: S608 - made of our own constants.
# What a charge says of itself is what its customer is shown.
PRICES = f"""
    SELECT format('charge %s', charge.id),
        format('%s per %s, x %s + %s', trim_scale(priced.price), rate.unit,
            trim_scale(priced.multiplier),
            trim_scale(sign(charge.flat) * tier.flat)),
        format('%s per %s, x %s + %s', trim_scale(charge.unit_price), charge.unit,
            trim_scale(charge.multiplier), trim_scale(charge.flat))
    FROM {_PRICED}
"""  # noqa: S608 - made of our own constants.
# From when to when each customer's terms are in force. Those agreed after a charge was
# recorded did not price it, though its call may lie a few minutes in the future.
DISCOUNTS = """
    SELECT format('charge %s', charge.id),
        CASE WHEN rate.dimension = 'minimum' THEN 1
        WHEN terms.recorded_at > charge.recorded_at THEN charge.discount
        ELSE 1 - coalesce((terms.model_discounts ->> charge.model)::numeric,
            terms.discount_percent, 0) / 100 END,
        charge.discount
    FROM billing_charge AS charge
    JOIN billing_rate AS rate ON rate.id = charge.rate_id
    LEFT JOIN (
        SELECT *, coalesce(lead(effective_from) OVER (
            PARTITION BY customer_id ORDER BY effective_from), 'infinity') AS ends
        FROM billing_terms
    ) AS terms ON terms.customer_id = charge.customer_id
        AND charge.occurred_at >= terms.effective_from
        AND charge.occurred_at < terms.ends
"""
MINIMUMS = """
    SELECT format('event %s (%s)', event.id, event.idempotency_key),
        greatest(event.amount, rate.price), event.amount
    FROM billing_usageevent AS event
    JOIN billing_rate AS rate ON rate.version_id = event.version_id
        AND rate.dimension = 'minimum'
        AND rate.model = CASE WHEN EXISTS (
            SELECT FROM billing_rate AS own
            WHERE own.version_id = event.version_id AND own.model = event.model
        ) THEN event.model ELSE '*' END
    WHERE event.waived = ''
"""


# A replacement is priced as the event that it stands for, whatever is in force since;
# and a batch under way while prices are published may have begun before.
VERSIONS = """
    SELECT format('event %s (%s)', event.id, event.idempotency_key),
        CASE WHEN EXISTS (
            SELECT FROM billing_ratecardversion AS other
            WHERE other.rate_card_id = version.rate_card_id
                AND other.published_at BETWEEN event.recorded_at - interval '1 minute'
                    AND event.recorded_at + interval '1 minute'
        ) THEN event.version_id ELSE (
            SELECT other.id FROM billing_ratecardversion AS other
            WHERE other.rate_card_id = version.rate_card_id
                AND other.effective_from <= event.occurred_at
                AND other.published_at < event.recorded_at
            ORDER BY other.effective_from DESC LIMIT 1
        ) END,
        event.version_id
    FROM billing_usageevent AS event
    JOIN billing_ratecardversion AS version ON version.id = event.version_id
    LEFT JOIN billing_correction AS amendment
        ON amendment.replacement_id = event.id
        AND amendment.customer_id = event.customer_id
    WHERE amendment.id IS NULL
"""


def verify_prices() -> Iterator[Finding]:
    """Check each charge's arithmetic, its discount, and the least that a call costs."""
    yield compare("charge = its arithmetic, by its rate, tier and band", CHARGES)
    yield compare("charge's prices = its rate's, tier's and band's", PRICES)
    yield compare("discount = the terms in force", DISCOUNTS)
    yield compare("event is priced by the version of its time", VERSIONS)
    yield compare("no call costs less than its minimum", MINIMUMS)
