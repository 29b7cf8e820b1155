"""What of an invoice credits have paid, and what is left to pay in money."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from billing.models import FundingRollup
from billing.models.plans import Mode
from invoices.models import AppliedCredit, Invoice, InvoiceLine, Kind, LineKind, Status
from ledger.money import WIDE, ZERO, round_to_currency, total
from ledger.queries import get_balance


def build_applied_credits(invoice: Invoice) -> list[AppliedCredit]:
    """Return what each lot paid of the period's usage, exactly and not yet stored."""
    funding = FundingRollup.objects.filter(
        customer=invoice.customer_id, period_start=invoice.period.start
    )
    return [
        AppliedCredit(invoice=invoice, lot_id=paid.lot_id, amount=paid.amount)
        for paid in funding.order_by("lot")
        if paid.lot_id
    ]


def settle(invoice: Invoice, lines: Iterable[InvoiceLine], *, at: datetime) -> Decimal:
    """Return what is due: fees, and what usage a plan bills that credits did not pay.

    Rounded to the currency, once.
    """
    fees = total(line.exact_amount for line in lines if line.kind == LineKind.FEE)
    due = WIDE.add(fees, _billed_usage(invoice, at))
    return round_to_currency(due, invoice.currency)


def _billed_usage(invoice: Invoice, at: datetime) -> Decimal:
    customer = invoice.customer
    if customer.plan.mode == Mode.PREPAID:
        # It stays on the wallet as overdraft, which the next pack settles first.
        return ZERO
    uncovered = FundingRollup.objects.filter(
        customer=customer, period_start=invoice.period.start, lot__isnull=True
    ).first()
    if uncovered is None:
        return ZERO
    # A pack bought since has settled some of it, and what open invoices ask for
    # already must not be asked for twice.
    overdraft = get_balance(wallet_id=customer.wallet_id, at=at).overdraft
    unbilled = WIDE.subtract(overdraft, _open_usage(invoice))
    return max(ZERO, min(uncovered.amount, unbilled))


def _open_usage(invoice: Invoice) -> Decimal:
    others = Invoice.objects.filter(
        customer=invoice.customer_id, kind=Kind.USAGE, status=Status.OPEN
    )
    return total(usage_due(other) for other in others)


def usage_due(invoice: Invoice) -> Decimal:
    """Return the part of what is due that is for usage, the fees aside."""
    fees = invoice.lines.filter(kind=LineKind.FEE).values_list("amount", flat=True)
    return WIDE.subtract(invoice.amount_due, total(fees))
