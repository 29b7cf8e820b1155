"""Re-deriving refunds, credit notes and disputes from entries. Nothing here writes."""

from collections.abc import Iterator

from ledger.verification import Finding, compare

# What was put back counts against what was taken.
_TAKEN = """
    SELECT wallet_id, cause,
        coalesce(-sum(amount) FILTER (WHERE book = 'refunded' AND lot_id IS NOT NULL),
            0) AS credits,
        coalesce(-sum(amount) FILTER (WHERE book = 'promotion'), 0) AS bonus,
        coalesce(-sum(amount) FILTER (WHERE lot_id IS NULL), 0) AS overdrawn
    FROM ledger_entry
    WHERE kind IN ('refund', 'dispute', 'reversal')
        AND (cause LIKE 'refund:%' OR cause LIKE 'dispute:%')
    GROUP BY wallet_id, cause
"""
_PARTS = "format('%s credits, %s bonus, %s overdrawn', {})"
_STORED = _PARTS.format(
    "trim_scale({0}.credits), trim_scale({0}.bonus_credits),"
    " trim_scale({0}.overdrawn_credits)"
)
_DERIVED = _PARTS.format(
    "trim_scale(coalesce(taken.credits, 0)), trim_scale(coalesce(taken.bonus, 0)),"
    " trim_scale(coalesce(taken.overdrawn, 0))"
)
_NOTHING = "'0 credits, 0 bonus, 0 overdrawn'"
_WALLET = """
    JOIN invoices_payment AS payment ON payment.id = {0}.payment_id
    JOIN invoices_invoice AS invoice ON invoice.id = payment.invoice_id
    JOIN billing_customer AS customer ON customer.id = invoice.customer_id
"""
REFUNDS = f"""
    SELECT format('refund %s', refund.id), {_DERIVED},
        CASE WHEN refund.status IN ('requested', 'declined', 'failed')
            THEN {_NOTHING} ELSE {_STORED.format("refund")} END
    FROM invoices_refund AS refund {_WALLET.format("refund")}
    LEFT JOIN ({_TAKEN}) AS taken ON taken.wallet_id = customer.wallet_id
        AND taken.cause = 'refund:' || refund.id
"""  # noqa: S608 - made of our own constants, as all below.
DISPUTES = f"""
    SELECT format('dispute %s', dispute.id), {_DERIVED},
        CASE WHEN dispute.status = 'won'
            THEN {_NOTHING} ELSE {_STORED.format("dispute")} END
    FROM invoices_dispute AS dispute {_WALLET.format("dispute")}
    LEFT JOIN ({_TAKEN}) AS taken ON taken.wallet_id = customer.wallet_id
        AND taken.cause = 'dispute:' || dispute.id
"""  # noqa: S608
# Whatever became of it, its run holds what was taken for it.
RUNS = """
    SELECT format('%s %s', returned.kind, returned.id), trim_scale(stored),
        trim_scale(coalesce(-sum(entry.amount), 0))
    FROM (
        SELECT 'refund' AS kind, id, payment_id, first_entry, last_entry, withdrawn_at
            AS taken_at, credits + bonus_credits + overdrawn_credits AS stored
        FROM invoices_refund
        UNION ALL
        SELECT 'dispute', id, payment_id, first_entry, last_entry, frozen_at,
            credits + bonus_credits
        FROM invoices_dispute
    ) AS returned
    JOIN invoices_payment AS payment ON payment.id = returned.payment_id
    JOIN invoices_invoice AS invoice ON invoice.id = payment.invoice_id
    JOIN billing_customer AS customer ON customer.id = invoice.customer_id
    LEFT JOIN ledger_entry AS entry ON entry.wallet_id = customer.wallet_id
        AND entry.kind = returned.kind
        AND entry.cause = returned.kind || ':' || returned.id
        AND entry.recorded_at = returned.taken_at
        AND entry.sequence BETWEEN returned.first_entry AND returned.last_entry
    GROUP BY returned.kind, returned.id, returned.stored
"""
OWNERS = """
    SELECT format('wallet %s, entry %s', entry.wallet_id, entry.sequence), entry.cause,
        owner.cause
    FROM ledger_entry AS entry
    LEFT JOIN ledger_creditlot AS lot ON lot.id = entry.lot_id
    LEFT JOIN (
        SELECT 'refund:' || id AS cause, payment_id FROM invoices_refund
        UNION ALL
        SELECT 'dispute:' || id, payment_id FROM invoices_dispute
    ) AS owner
        JOIN invoices_payment AS payment ON payment.id = owner.payment_id
        JOIN invoices_invoice AS invoice ON invoice.id = payment.invoice_id
        JOIN billing_customer AS customer ON customer.id = invoice.customer_id
    ON owner.cause = entry.cause AND customer.wallet_id = entry.wallet_id
        AND (entry.lot_id IS NULL OR lot.reference IN (
            'invoice:' || invoice.number, 'invoice:' || invoice.number || ':bonus'))
    WHERE entry.kind IN ('refund', 'dispute')
"""
# Of one that failed after it had succeeded, another credit note cancels the first.
CREDIT_NOTES = """
    SELECT format('refund %s', refund.id),
        CASE WHEN refund.status = 'succeeded' AND refund.kind <> 'excess'
            THEN refund.amount ELSE 0 END,
        coalesce(note.total, 0) + coalesce(canceling.total, 0)
    FROM invoices_refund AS refund
    JOIN invoices_payment AS payment ON payment.id = refund.payment_id
    LEFT JOIN invoices_creditnote AS note ON note.refund_id = refund.id
        AND note.invoice_id = payment.invoice_id
    LEFT JOIN invoices_creditnote AS canceling ON canceling.cancels_id = note.id
        AND canceling.invoice_id = note.invoice_id
"""
CREDITED = """
    SELECT format('invoice %s', invoice.number), least(sum(note.total), invoice.total),
        sum(note.total)
    FROM invoices_creditnote AS note
    JOIN invoices_invoice AS invoice ON invoice.id = note.invoice_id
    GROUP BY invoice.id
"""
RETURNED = """
    SELECT format('payment %s', payment.reference),
        least(sum(refund.amount), payment.amount), sum(refund.amount)
    FROM invoices_refund AS refund
    JOIN invoices_payment AS payment ON payment.id = refund.payment_id
    WHERE refund.status NOT IN ('requested', 'declined', 'failed')
    GROUP BY payment.id
"""
# As `Purchased.credits_for` rounds. Credits that had expired, or that are owed for a
# dispute already, are not taken; and the parts, rounded up, may be more than the whole.
WORTH = """
    SELECT format('refund %s', id), trim_scale(greatest(least(taken, worth),
        worth - excused)), trim_scale(taken)
    FROM (
        SELECT refund.id, refund.credits + refund.overdrawn_credits AS taken,
            least(lot.granted, (div(refund.amount * lot.granted * 1e18, payment.amount)
                + sign(mod(refund.amount * lot.granted * 1e18, payment.amount))) * 1e-18
            ) AS worth,
            (SELECT coalesce(-sum(amount), 0) FROM ledger_entry
                WHERE wallet_id = lot.wallet_id AND lot_id = lot.id AND kind = 'expiry')
            + (SELECT coalesce(sum(overdrawn_credits), 0) FROM invoices_dispute
                WHERE payment_id = payment.id)
            + (SELECT count(*) FROM invoices_refund
                WHERE payment_id = payment.id) * 1e-18 AS excused
        FROM invoices_refund AS refund
        JOIN invoices_payment AS payment ON payment.id = refund.payment_id
        JOIN invoices_invoice AS invoice ON invoice.id = payment.invoice_id
        JOIN billing_customer AS customer ON customer.id = invoice.customer_id
        JOIN ledger_creditlot AS lot ON lot.wallet_id = customer.wallet_id
            AND lot.reference = 'invoice:' || invoice.number
        WHERE refund.kind <> 'excess'
            AND refund.status NOT IN ('requested', 'declined', 'failed')
    ) AS returned
"""
APPROVED = """
    SELECT format('refund %s', id), 'approved by another',
        CASE WHEN amount <= approval_above OR approved_by NOT IN ('', requested_by)
            THEN 'approved by another' ELSE format('approved by %L', approved_by) END
    FROM invoices_refund
    WHERE kind = 'unused' AND status NOT IN ('requested', 'declined')
"""
# What a bank took or holds of it went back, too.
EXCESS = """
    SELECT format('payment %s', payment.reference), payment.amount,
        least(payment.amount, coalesce((
            SELECT sum(amount) FROM invoices_refund WHERE payment_id = payment.id
            AND status NOT IN ('requested', 'declined', 'failed')), 0) + coalesce((
            SELECT sum(amount) FROM invoices_dispute WHERE payment_id = payment.id
            AND status <> 'won'), 0))
    FROM invoices_payment AS payment
    WHERE EXISTS (SELECT FROM invoices_refund
        WHERE payment_id = payment.id AND kind = 'excess')
"""


def verify_returns() -> Iterator[Finding]:
    """Check that what went back was taken off once, and has its credit note."""
    yield compare("refund = its entries; failed, they are reversed", REFUNDS)
    yield compare("dispute = its entries; won, they are reversed", DISPUTES)
    yield compare("what was taken for money that went back = its run", RUNS)
    yield compare("every entry for money that went back has its reason", OWNERS)
    yield compare("refund that succeeded = its credit notes", CREDIT_NOTES)
    yield compare("credit notes are within their invoice", CREDITED)
    yield compare("refunds are within their payment", RETURNED)
    yield compare("refund = the credits that its money stands for", WORTH)
    yield compare("large refunds were approved by another", APPROVED)
    yield compare("money that was not owed is given back", EXCESS)
