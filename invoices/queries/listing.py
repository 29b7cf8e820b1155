"""Finding a customer's invoices. Nothing here writes."""

from django.db.models import QuerySet

from billing.models import Customer
from invoices.models import Invoice, Status


def list_invoices(
    *, customer: Customer, with_drafts: bool = False
) -> QuerySet[Invoice]:
    """Return a customer's invoices, newest first; drafts only if asked for."""
    invoices = Invoice.objects.filter(customer=customer).select_related("pack")
    if not with_drafts:
        invoices = invoices.exclude(status=Status.DRAFT)
    return invoices.order_by("-pk")


def get_invoice(*, customer: Customer, number: str) -> Invoice:
    """Return a customer's final invoice by its number.

    :raises Invoice.DoesNotExist: if the customer has none with this number.
    """
    invoices = Invoice.objects.select_related("customer", "pack")
    return invoices.get(customer=customer, number=number)
