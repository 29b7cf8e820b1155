"""The monthly run: every customer's ended periods become invoices."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from billing.models import Customer
from billing.periods import Period
from billing.services.periods import close_period
from invoices.models import Invoice
from invoices.queries.waiting import list_periods_to_invoice
from invoices.services.invoicing import (
    EmptyPeriodError,
    discard_empty_draft,
    draft_invoice,
    finalize_invoice,
)


def invoice_customer(*, customer_id: int, at: datetime) -> list[Invoice]:
    """Draft or finalize the invoices of a customer's periods that have ended.

    Each period is a transaction of its own, so that what is done stays done. Running
    it again, or twice at once, makes nothing twice.
    """
    customer = Customer.objects.get(pk=customer_id)
    periods = list_periods_to_invoice(customer=customer, at=at)
    made = [invoice_period(customer=customer, period=each, at=at) for each in periods]
    return [invoice for invoice in made if invoice]


@transaction.atomic
def invoice_period(
    *, customer: Customer, period: Period, at: datetime
) -> Invoice | None:
    """Draft a period's invoice; finalize it once the draft window has passed.

    Returns nothing for a period without usage or fee, which is closed all the same.
    """
    is_over = at >= period.end + settings.INVOICE_DRAFT_WINDOW
    if is_over:
        # First, so that nothing comes in once the usage was read.
        close_period(customer=customer, until=period.end)
    try:
        draft = draft_invoice(customer=customer, period=period, at=at)
    except EmptyPeriodError:
        discard_empty_draft(customer=customer, period=period)
        return None
    return finalize_invoice(invoice=draft, at=at) if is_over else draft
