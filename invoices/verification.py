"""Re-deriving final invoices from charges and entries. Nothing here writes."""

from collections.abc import Iterator

from ledger.verification import Finding, compare

LINES = """
    SELECT format('invoice %s, line %s', invoice.number, line.position),
        format('%s calls, %s', count(charge.id),
            trim_scale(coalesce(sum(charge.amount), 0))),
        format('%s calls, %s', line.calls, trim_scale(line.exact_amount))
    FROM invoices_invoiceline AS line
    JOIN invoices_invoice AS invoice ON invoice.id = line.invoice_id
    LEFT JOIN billing_charge AS charge ON charge.customer_id = invoice.customer_id
        AND charge.period_start = invoice.period_start
        AND charge.rate_id = line.rate_id
        AND charge.band_id IS NOT DISTINCT FROM line.band_id
    WHERE line.kind = 'usage' AND invoice.status <> 'draft'
    GROUP BY invoice.number, line.position, line.calls, line.exact_amount
"""
COMPLETE = """
    SELECT format('invoice %s', invoice.number),
        coalesce((SELECT sum(amount) FROM billing_charge
            WHERE customer_id = invoice.customer_id
            AND period_start = invoice.period_start), 0),
        coalesce((SELECT sum(exact_amount) FROM invoices_invoiceline
            WHERE invoice_id = invoice.id AND kind = 'usage'), 0)
    FROM invoices_invoice AS invoice
    WHERE invoice.kind = 'usage' AND invoice.status NOT IN ('draft', 'void')
"""
TOTALS = """
    SELECT format('invoice %s', invoice.number), coalesce(sum(line.amount), 0),
        invoice.total
    FROM invoices_invoice AS invoice
    LEFT JOIN invoices_invoiceline AS line ON line.invoice_id = invoice.id
    WHERE invoice.status <> 'draft'
    GROUP BY invoice.id
"""
NUMBERS = """
    SELECT format('series %s', series), last, found
    FROM (
        SELECT series || '-' || year AS series, last,
            (SELECT count(*) FROM invoices_invoice
                WHERE number LIKE series || '-' || year || '-%') AS found
        FROM invoices_numberseries
    ) AS counted
"""


def verify_invoices() -> Iterator[Finding]:
    """Check lines against calls, totals against lines, and the numbers for gaps."""
    yield compare("invoice line = sum of its calls", LINES)
    yield compare("invoice = all charges of its period", COMPLETE)
    yield compare("invoice total = sum of its lines", TOTALS)
    yield compare("invoice numbers have no gap", NUMBERS)
