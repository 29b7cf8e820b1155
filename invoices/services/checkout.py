"""Sending a customer to where an invoice can be paid."""

from datetime import datetime

from billing.models import CreditPack, Customer
from invoices.models import Invoice
from invoices.payments import get_provider
from invoices.services.purchases import buy_pack, start_payment


def start_checkout(*, invoice: Invoice, return_url: str, at: datetime) -> str:
    """Return the address at which an invoice can be paid.

    The provider is asked outside of any transaction: it may take its time.

    :raises NotOpenError: if there is nothing to pay.
    """
    payment = start_payment(invoice=invoice, at=at)
    return get_provider().start_checkout(
        invoice=invoice, reference=payment.reference, return_url=return_url
    )


def check_out_pack(
    *, customer: Customer, pack: CreditPack, return_url: str, at: datetime
) -> str:
    """Buy a credit pack; returns the address at which it can be paid.

    :raises PackNotForSaleError: if the customer cannot buy this pack.
    """
    invoice = buy_pack(customer=customer, pack=pack, at=at)
    return start_checkout(invoice=invoice, return_url=return_url, at=at)
