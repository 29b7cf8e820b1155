"""Drafting and finalizing the invoice of a customer's billing period."""

from datetime import datetime

from django.db import transaction

from billing.models import Customer
from billing.periods import Period
from billing.services.periods import close_period
from billing.services.true_ups import true_up_period
from invoices.models import AppliedCredit, Invoice, InvoiceLine, Kind, Status
from invoices.services.issuing import issue
from invoices.services.lines import build_lines
from invoices.services.settlement import build_applied_credits, settle
from ledger.money import total
from ledger.posting import lock_wallets


class EmptyPeriodError(Exception):
    """A period has neither usage nor a fee, so there is nothing to invoice."""


@transaction.atomic
def draft_invoice(*, customer: Customer, period: Period, at: datetime) -> Invoice:
    """Draft a period's invoice from its rollups, or draft it anew.

    Once the period has its final invoice, that one is returned and nothing changes.

    :raises EmptyPeriodError: if there is nothing to invoice.
    """
    # The wallet's lock comes first, as everywhere; and what is on the lines and what
    # paid for it are read as of one moment, since usage waits for it.
    lock_wallets([customer.wallet_id])
    invoice = _lock_invoice_of(customer, period, at)
    if invoice.status == Status.DRAFT:
        invoice.drafted_at = at
        _fill(invoice, at)
    return invoice


def _lock_invoice_of(customer: Customer, period: Period, at: datetime) -> Invoice:
    # The constraint lets one of two workers make it; the other then finds it.
    standing = Invoice.objects.exclude(status=Status.VOID)
    invoice, _ = standing.select_for_update().get_or_create(
        customer=customer,
        kind=Kind.USAGE,
        period_start=period.start,
        defaults={
            "period_end": period.end,
            "currency": customer.wallet.currency,
            "drafted_at": at,
        },
    )
    return invoice


def _fill(invoice: Invoice, at: datetime) -> None:
    """Replace a locked draft's lines and credits, and work out its amounts."""
    lines = build_lines(invoice)
    if not lines:
        raise EmptyPeriodError(str(invoice))
    invoice.lines.all().delete()
    InvoiceLine.objects.bulk_create(lines)
    invoice.applied_credits.all().delete()
    AppliedCredit.objects.bulk_create(build_applied_credits(invoice))
    invoice.total = total(line.amount for line in lines)
    parts = settle(invoice, lines, at=at)
    invoice.amount_due = parts.amount_due
    invoice.carried_over = parts.carried_over
    invoice.credits_applied = parts.credits_applied
    invoice.save()


@transaction.atomic
def discard_empty_draft(*, customer: Customer, period: Period) -> None:
    """Drop a period's draft if all that was on it has been taken back since."""
    lock_wallets([customer.wallet_id])
    drafts = Invoice.objects.select_for_update().filter(
        customer=customer,
        kind=Kind.USAGE,
        period_start=period.start,
        status=Status.DRAFT,
    )
    for draft in drafts:
        if not build_lines(draft):
            draft.lines.all().delete()
            draft.applied_credits.all().delete()
            draft.delete()


@transaction.atomic
def finalize_invoice(*, invoice: Invoice, at: datetime) -> Invoice:
    """Close a draft's period, work it out for the last time, number and freeze it.

    It is open, or paid at once if nothing is due. Finalizing again, even at the same
    time, returns the first result.

    :raises EmptyPeriodError: if there is nothing left to invoice.
    """
    # The wallet's lock is taken first, then the invoice's, as `mark_paid` does.
    close_period(customer=invoice.customer, until=invoice.period.end)
    locked = Invoice.objects.select_for_update().get(pk=invoice.pk)
    if locked.status == Status.DRAFT:
        true_up_period(customer=locked.customer, period=locked.period, at=at)
        _fill(locked, at)
        issue(locked, at=at)
    return locked
