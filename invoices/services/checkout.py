"""Sending a customer to where an invoice can be paid."""

from datetime import datetime

from invoices.models import Invoice
from invoices.payments import get_provider
from invoices.services.purchases import start_payment


def start_checkout(*, invoice: Invoice, return_url: str, at: datetime) -> str:
    """Return the address at which an invoice can be paid.

    The provider is asked outside of any transaction: it may take its time.

    :raises NotOpenError: if there is nothing to pay.
    """
    payment = start_payment(invoice=invoice, at=at)
    return get_provider().start_checkout(
        invoice=invoice, reference=payment.reference, return_url=return_url
    )
