"""Finding a customer's invoices. Nothing here writes."""

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import Customer
from invoices.models import HELD_BY_THE_BANK, CreditNote, Dispute, Invoice, Status
from ledger.models import SumField
from ledger.money import ZERO


def list_invoices(
    *, customer: Customer, with_drafts: bool = False
) -> QuerySet[Invoice]:
    """Return a customer's invoices, newest first; drafts only if asked for.

    Each has `amount_refunded`, which is what its credit notes took back, and
    `amount_disputed`, which the bank holds or has taken back.
    """
    invoices = _with_refunds().filter(customer=customer).select_related("pack")
    if not with_drafts:
        invoices = invoices.exclude(status=Status.DRAFT)
    return invoices.order_by("-pk")


def get_invoice(*, customer: Customer, number: str) -> Invoice:
    """Return a customer's final invoice by its number, with both as well.

    :raises Invoice.DoesNotExist: if the customer has none with this number.
    """
    invoices = _with_refunds().select_related("customer", "pack")
    return invoices.get(customer=customer, number=number)


def _with_refunds() -> QuerySet[Invoice]:
    notes = CreditNote.objects.filter(invoice=OuterRef("pk")).order_by()
    refunded = notes.values("invoice").annotate(refunded=Sum("total"))
    in_all = Subquery(refunded.values("refunded"), output_field=SumField())
    return Invoice.objects.annotate(
        amount_refunded=Coalesce(in_all, ZERO), amount_disputed=_disputed()
    )


def _disputed() -> Coalesce:
    disputes = Dispute.objects.filter(
        payment__invoice=OuterRef("pk"), status__in=HELD_BY_THE_BANK
    ).order_by()
    held = disputes.values("payment__invoice").annotate(held=Sum("amount"))
    return Coalesce(Subquery(held.values("held"), output_field=SumField()), ZERO)
