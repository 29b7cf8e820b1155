"""Re-deriving final invoices from charges and entries. Nothing here writes."""

from collections.abc import Iterable, Iterator

from django.db.models import Exists, OuterRef, Q

from billing.models import TrueUp, UsageRollup
from billing.queries.true_ups import list_true_ups, work_out_true_ups
from invoices.models import Invoice, Kind, Status
from invoices.purchase_checks import verify_purchases
from invoices.return_checks import verify_returns
from ledger.money import as_text
from ledger.verification import SHOWN, Finding, compare

LINES = """
    SELECT format('invoice %s, line %s', invoice.number, line.position),
        format('%s calls, %s',
            count(DISTINCT charge.event_id) FILTER (WHERE correction_id IS NULL)
            - count(DISTINCT charge.event_id) FILTER (WHERE correction_id IS NOT NULL),
            trim_scale(coalesce(sum(charge.amount), 0))),
        format('%s calls, %s', line.calls, trim_scale(line.exact_amount))
    FROM invoices_invoiceline AS line
    JOIN invoices_invoice AS invoice ON invoice.id = line.invoice_id
    LEFT JOIN billing_charge AS charge ON charge.customer_id = invoice.customer_id
        AND charge.period_start = invoice.period_start
        AND charge.model = line.model
        AND charge.rate_id = line.rate_id
        AND charge.band_id IS NOT DISTINCT FROM line.band_id
        AND charge.tier IS NOT DISTINCT FROM line.tier
        AND charge.discount = line.discount
        AND charge.corrects IS NOT DISTINCT FROM line.corrects
    WHERE line.kind IN ('usage', 'adjustment') AND invoice.status <> 'draft'
    GROUP BY invoice.number, line.position, line.calls, line.exact_amount
"""
COMPLETE = """
    SELECT format('invoice %s', invoice.number),
        coalesce((SELECT sum(amount) FROM billing_charge
            WHERE customer_id = invoice.customer_id
            AND period_start = invoice.period_start), 0),
        coalesce((SELECT sum(exact_amount) FROM invoices_invoiceline
            WHERE invoice_id = invoice.id AND kind IN ('usage', 'adjustment')), 0)
    FROM invoices_invoice AS invoice
    WHERE invoice.kind = 'usage' AND invoice.status NOT IN ('draft', 'void')
"""
TRUE_UPS = """
    SELECT format('invoice %s, true-ups', invoice.number),
        coalesce((SELECT sum(amount) FROM billing_trueup
            WHERE customer_id = invoice.customer_id
            AND period_start = invoice.period_start), 0),
        coalesce((SELECT sum(exact_amount) FROM invoices_invoiceline
            WHERE invoice_id = invoice.id AND kind = 'true_up'), 0)
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
PARTS = """
    SELECT format('invoice %s', number), total - credits_applied - carried_over,
        amount_due
    FROM invoices_invoice WHERE status <> 'draft'
"""
# Both sides are read whole: a lot may be missing on either.
CREDITS = """
    SELECT format('invoice %s, lot %s', number, lot), sum(funded), sum(applied)
    FROM (
        SELECT invoice.number, funding.lot_id AS lot, funding.amount AS funded,
            0 AS applied
        FROM invoices_invoice AS invoice
        JOIN billing_fundingrollup AS funding USING (customer_id, period_start)
        WHERE invoice.kind = 'usage' AND invoice.status NOT IN ('draft', 'void')
            AND funding.lot_id IS NOT NULL
        UNION ALL
        SELECT invoice.number, credit.lot_id, 0, credit.amount
        FROM invoices_invoice AS invoice
        JOIN invoices_appliedcredit AS credit ON credit.invoice_id = invoice.id
        WHERE invoice.kind = 'usage' AND invoice.status NOT IN ('draft', 'void')
    ) AS parts
    GROUP BY number, lot
"""
PAYMENTS = """
    SELECT format('invoice %s', invoice.number),
        coalesce(sum(payment.amount), 0), invoice.amount_paid
    FROM invoices_invoice AS invoice
    LEFT JOIN invoices_payment AS payment
        ON payment.invoice_id = invoice.id AND payment.status = 'succeeded'
        AND payment.id NOT IN (
            SELECT payment_id FROM invoices_refund WHERE kind = 'excess')
    WHERE invoice.status <> 'draft' AND invoice.amount_due > 0
    GROUP BY invoice.id
"""
NUMBERS = """
    SELECT format('series %s', series), last, found
    FROM (
        SELECT series || '-' || year AS series, last,
            (SELECT count(*) FROM (
                SELECT number FROM invoices_invoice
                UNION ALL SELECT number FROM invoices_creditnote
            ) AS given WHERE number LIKE series || '-' || year || '-%') AS found
        FROM invoices_numberseries
    ) AS counted
"""


def _verify_true_ups() -> Finding:
    """Work the true-ups of invoiced periods out again, as when they were closed."""
    differences: list[str] = []
    compared = 0
    for invoice in _list_trued_up():
        customer, period = invoice.customer, invoice.period
        derived = _describe(work_out_true_ups(customer=customer, period=period))
        stored = _describe(list_true_ups(customer=customer, period=period))
        compared += max(len(derived), len(stored))
        if derived != stored:
            differences.append(f"{invoice}: {derived} expected, {stored} stored")
    check = "true-ups = what their periods come to"
    return Finding(check, compared, differences[:SHOWN])


def _list_trued_up() -> Iterator[Invoice]:
    """Yield the final invoices of periods with usage at prices by the period."""
    priced = UsageRollup.objects.filter(
        ~Q(rate__per_period=""),
        customer=OuterRef("customer"),
        period_start=OuterRef("period_start"),
    )
    final = Invoice.objects.filter(Exists(priced), kind=Kind.USAGE)
    standing = final.exclude(status__in=(Status.DRAFT, Status.VOID))
    yield from standing.select_related("customer").order_by("pk").iterator()


def _describe(rows: Iterable[TrueUp]) -> list[str]:
    """Return what each row settles, in one order."""
    return sorted(
        f"{row.reason} of {row.model}, rate {row.rate_id}, band {row.band_id}"
        f" at {as_text(row.discount)}: {as_text(row.amount)}"
        for row in rows
    )


def verify_invoices() -> Iterator[Finding]:
    """Check lines, totals, credits and payments against what they are made of.

    The numbers of each series are checked for gaps, what was paid for was given, and
    what went back of payments was taken.
    """
    yield compare("invoice line = sum of its calls", LINES)
    yield compare("invoice = all charges of its period", COMPLETE)
    yield _verify_true_ups()
    yield compare("invoice = all true-ups of its period", TRUE_UPS)
    yield compare("invoice total = sum of its lines", TOTALS)
    yield compare("invoice due = total - credits - carried over", PARTS)
    yield compare("applied credits = funding of the period", CREDITS)
    yield compare("paid invoice = its payments, less what was paid in excess", PAYMENTS)
    yield from verify_purchases()
    yield compare("invoice and credit note numbers have no gap", NUMBERS)
    yield from verify_returns()
