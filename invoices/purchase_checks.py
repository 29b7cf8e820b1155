"""Checking that paid money gave what it was paid for. Nothing here writes."""

from collections.abc import Iterator

from ledger.verification import Finding, compare

_BOUGHT = """
    SELECT invoice.customer_id, 'invoice:' || invoice.number AS reference,
        pack.credits, pack.bonus_credits, pack.price
    FROM invoices_invoice AS invoice
    JOIN billing_creditpack AS pack ON pack.id = invoice.pack_id
    WHERE invoice.kind = 'purchase' AND invoice.status = 'paid'
    UNION ALL
    SELECT customer_id, 'invoice:' || number, credits, 0, total
    FROM invoices_invoice
    WHERE kind = 'purchase' AND status = 'paid' AND pack_id IS NULL
"""
_LOT = "format('%s: %s for %s', {}, trim_scale({}), trim_scale({}))"
_DERIVED = _LOT.format("owed.source", "owed.credits", "owed.price")
_STORED = _LOT.format("lot.source", "lot.granted", "lot.price_paid")
LOTS = f"""
    SELECT format('customer %s, lot %s', coalesce(owed.customer_id, customer.id),
            coalesce(owed.reference, lot.reference)),
        CASE WHEN owed.reference IS NOT NULL THEN {_DERIVED} END,
        CASE WHEN lot.id IS NOT NULL THEN {_STORED} END
    FROM ledger_creditlot AS lot
    JOIN billing_customer AS customer USING (wallet_id)
    FULL JOIN (
        SELECT customer_id, reference, 'purchase' AS source, credits, price
        FROM ({_BOUGHT}) AS bought
        UNION ALL
        SELECT customer_id, reference || ':bonus', 'promotion', bonus_credits, 0
        FROM ({_BOUGHT}) AS bought WHERE bonus_credits > 0
    ) AS owed ON owed.customer_id = customer.id AND owed.reference = lot.reference
    WHERE owed.reference IS NOT NULL
        OR (lot.source = 'purchase' AND lot.reference LIKE 'invoice:%')
"""  # noqa: S608 - made of our own constants.
# What is due for usage is what is due, the fees aside.
SETTLED = """
    SELECT format('customer %s, %s', customer_id, cause),
        trim_scale(coalesce(due.amount, 0)), trim_scale(coalesce(settled.amount, 0))
    FROM (
        SELECT invoice.customer_id, 'invoice:' || invoice.number AS cause,
            greatest(0, invoice.amount_due - coalesce(sum(fee.amount), 0)) AS amount
        FROM invoices_invoice AS invoice
        LEFT JOIN invoices_invoiceline AS fee
            ON fee.invoice_id = invoice.id AND fee.kind = 'fee'
        WHERE invoice.kind = 'usage' AND invoice.status = 'paid'
        GROUP BY invoice.id
    ) AS due
    FULL JOIN (
        SELECT customer.id AS customer_id, entry.cause, sum(entry.amount) AS amount
        FROM ledger_entry AS entry
        JOIN billing_customer AS customer ON customer.wallet_id = entry.wallet_id
        WHERE entry.kind = 'settlement' AND entry.book = 'cash'
        GROUP BY customer.id, entry.cause
    ) AS settled USING (customer_id, cause)
"""


def verify_purchases() -> Iterator[Finding]:
    """Check that each paid invoice gave its credits, or settled its usage, once."""
    yield compare("paid purchase = the lots that it gave", LOTS)
    yield compare("paid usage = what was settled in money", SETTLED)
