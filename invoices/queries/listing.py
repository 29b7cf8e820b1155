"""Finding a customer's invoices. Nothing here writes."""

from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import Customer
from invoices.models import (
    HELD_BY_THE_BANK,
    CreditNote,
    Dispute,
    DisputeStatus,
    Invoice,
    Status,
)
from ledger.models import SumField
from ledger.money import ZERO, total


def list_invoices(
    *, customer: Customer, with_drafts: bool = False
) -> QuerySet[Invoice]:
    """Return a customer's invoices, newest first; drafts only if asked for.

    Each has `amount_refunded`, which is what its credit notes took back,
    `amount_disputed`, which the bank holds or has taken back, `is_disputed` while a
    payment of it is contested, and `amount_lost` to its bank.
    """
    invoices = _with_returns().filter(customer=customer).select_related("pack")
    if not with_drafts:
        invoices = invoices.exclude(status=Status.DRAFT)
    return invoices.order_by("-pk")


def get_invoice(*, customer: Customer, number: str) -> Invoice:
    """Return a customer's final invoice by its number, as `list_invoices` does.

    :raises Invoice.DoesNotExist: if the customer has none with this number.
    """
    invoices = _with_returns().select_related("customer", "pack")
    return invoices.get(customer=customer, number=number)


def get_amount_refunded(*, invoice: Invoice) -> Decimal:
    """Return what an invoice's credit notes took back of it."""
    return total(invoice.credit_notes.values_list("total", flat=True))


def _with_returns() -> QuerySet[Invoice]:
    notes = CreditNote.objects.filter(invoice=OuterRef("pk"))
    disputes = Dispute.objects.filter(payment__invoice=OuterRef("pk"))
    held = disputes.filter(status__in=HELD_BY_THE_BANK)
    lost = disputes.filter(status=DisputeStatus.LOST)
    return Invoice.objects.annotate(
        amount_refunded=_sum_of(notes.values("invoice"), "total"),
        amount_disputed=_sum_of(held.values("payment__invoice"), "amount"),
        is_disputed=Exists(disputes.filter(status=DisputeStatus.OPEN)),
        amount_lost=_sum_of(lost.values("payment__invoice"), "amount"),
    )


def _sum_of(grouped: QuerySet[Any, Any], column: str) -> Coalesce:
    sums = grouped.order_by().annotate(sum=Sum(column)).values("sum")
    return Coalesce(Subquery(sums, output_field=SumField()), ZERO)
