"""What of an invoice credits have paid, and what is left to pay in money."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.models import FundingRollup
from invoices.models import AppliedCredit, Invoice, InvoiceLine, Kind, LineKind, Status
from ledger.money import WIDE, ZERO, round_to_currency, total
from ledger.queries import get_balance


def build_applied_credits(invoice: Invoice) -> list[AppliedCredit]:
    """Return what each lot paid of the period's usage, exactly and not yet stored.

    Below zero it got more back for calls of earlier invoices than it paid.
    """
    funding = FundingRollup.objects.filter(
        customer=invoice.customer_id, period_start=invoice.period.start
    ).exclude(amount=0)
    return [
        AppliedCredit(invoice=invoice, lot_id=paid.lot_id, amount=paid.amount)
        for paid in funding.order_by("lot")
        if paid.lot_id
    ]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an invoice's total is made of, each part rounded to the currency."""

    amount_due: Decimal
    carried_over: Decimal
    credits_applied: Decimal


def settle(
    invoice: Invoice, lines: Iterable[InvoiceLine], *, at: datetime
) -> Settlement:
    """Divide an invoice's total: due in money, carried on the wallet, paid by credits.

    Fees are due, and the usage that no credits covered if the plan bills it; else that
    usage stays on the wallet as overdraft, which the next pack settles first. Where
    more was taken back of earlier invoices than was used, the credits are below zero:
    they are on the wallet again.
    """
    fees = total(line.exact_amount for line in lines if line.kind == LineKind.FEE)
    uncovered = _uncovered_usage(invoice, at)
    is_billed = invoice.customer.plan.bills_uncovered_usage
    exactly_due = WIDE.add(fees, uncovered) if is_billed else fees
    due = round_to_currency(exactly_due, invoice.currency)
    # Rounded as a running sum, so that no part is negative and credits that paid
    # nothing are never said to have paid a coin.
    unpaid = round_to_currency(WIDE.add(fees, uncovered), invoice.currency)
    return Settlement(
        amount_due=due,
        carried_over=WIDE.subtract(unpaid, due),
        credits_applied=WIDE.subtract(invoice.total, unpaid),
    )


def _uncovered_usage(invoice: Invoice, at: datetime) -> Decimal:
    """Return the period's usage that is on the wallet as overdraft, not yet billed."""
    customer = invoice.customer
    overdrawn = FundingRollup.objects.filter(customer=customer, lot__isnull=True)
    uncovered = overdrawn.filter(period_start=invoice.period.start).first()
    if uncovered is None:
        return ZERO
    # A pack bought since has settled some of it, and what open invoices ask for
    # already must not be asked for twice; nor what later periods have overdrawn.
    later = overdrawn.filter(period_start__gt=invoice.period.start)
    others = total([_open_usage(invoice), *later.values_list("amount", flat=True)])
    overdraft = get_balance(wallet_id=customer.wallet_id, at=at).overdraft
    return max(ZERO, min(uncovered.amount, WIDE.subtract(overdraft, others)))


def _open_usage(invoice: Invoice) -> Decimal:
    others = Invoice.objects.filter(
        customer=invoice.customer_id, kind=Kind.USAGE, status=Status.OPEN
    )
    return total(usage_due(other) for other in others)


def usage_due(invoice: Invoice) -> Decimal:
    """Return the part of what is due that is for usage, the fees aside."""
    fees = invoice.lines.filter(kind=LineKind.FEE).values_list("amount", flat=True)
    return WIDE.subtract(invoice.amount_due, total(fees))
