"""Finding payments that their payers contest. Nothing here writes."""

from billing.models import Customer
from invoices.models import Dispute, Invoice


def list_disputes(*, invoice: Invoice) -> list[Dispute]:
    """Return the disputes of an invoice's payments, oldest first."""
    disputes = Dispute.objects.filter(payment__invoice=invoice)
    return list(disputes.order_by("pk"))


def get_dispute(*, customer: Customer, dispute_id: int) -> Dispute:
    """Return a customer's dispute, with its invoice.

    :raises Dispute.DoesNotExist: if the customer has no such dispute.
    """
    disputes = Dispute.objects.select_related("payment__invoice")
    return disputes.get(pk=dispute_id, payment__invoice__customer=customer)
