"""Sending a customer to where an invoice can be paid."""

from datetime import datetime

from invoices.models import Invoice
from invoices.payments import BegunOtherwiseError, get_provider
from invoices.services.payments import (
    note_checkout,
    restart_payment,
    start_payment,
)
from ledger.failpoints import failpoint


def start_checkout(
    *,
    invoice: Invoice,
    at: datetime,
    return_url: str = "",
    leads_to: str = "",
    saves_method: bool = False,
) -> str:
    """Return the address at which an invoice can be paid.

    It leads back to `return_url`; without one, to a page of ours that leads on to
    where the last of these calls has said: `leads_to`, or the invoice in the portal.
    The provider is asked outside of any transaction: it may take its time. Where it
    knows the attempt in other words, as after the customer's e-mail address changed,
    another one is begun.

    :raises NotOpenError: if there is nothing to pay.
    :raises ProviderError: if the provider does not answer; asking again is safe.
    """
    failpoint("purchase-invoiced")
    payment = start_payment(
        invoice=invoice,
        return_url=return_url,
        leads_to=leads_to,
        saves_method=saves_method,
        at=at,
    )
    failpoint("purchase-begun")
    try:
        checkout = get_provider().start_checkout(payment=payment)
    except BegunOtherwiseError:
        payment = restart_payment(payment=payment, at=at)
        checkout = get_provider().start_checkout(payment=payment)
    failpoint("purchase-offered")
    note_checkout(payment=payment, checkout_reference=checkout.reference)
    return checkout.url
