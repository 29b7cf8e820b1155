"""Finding a customer's invoices. Nothing here writes."""

from decimal import Decimal

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import Customer
from invoices.models import CreditNote, Invoice, Status
from ledger.models import SumField
from ledger.money import ZERO, total


def list_invoices(
    *, customer: Customer, with_drafts: bool = False
) -> QuerySet[Invoice]:
    """Return a customer's invoices, newest first; drafts only if asked for.

    Each has `amount_refunded`, which is what its credit notes took back.
    """
    invoices = _with_refunds().filter(customer=customer).select_related("pack")
    if not with_drafts:
        invoices = invoices.exclude(status=Status.DRAFT)
    return invoices.order_by("-pk")


def get_invoice(*, customer: Customer, number: str) -> Invoice:
    """Return a customer's final invoice by its number, with `amount_refunded`.

    :raises Invoice.DoesNotExist: if the customer has none with this number.
    """
    invoices = _with_refunds().select_related("customer", "pack")
    return invoices.get(customer=customer, number=number)


def get_amount_refunded(*, invoice: Invoice) -> Decimal:
    """Return what an invoice's credit notes took back of it."""
    return total(invoice.credit_notes.values_list("total", flat=True))


def _with_refunds() -> QuerySet[Invoice]:
    notes = CreditNote.objects.filter(invoice=OuterRef("pk")).order_by()
    refunded = notes.values("invoice").annotate(refunded=Sum("total"))
    in_all = Subquery(refunded.values("refunded"), output_field=SumField())
    return Invoice.objects.annotate(amount_refunded=Coalesce(in_all, ZERO))
