"""Money that was paid without being owed, and did not go back. Nothing writes."""

from decimal import Decimal

from invoices.models import Payment, Refund, RefundKind, RefundStatus
from invoices.queries.purchased import list_standing_disputes, list_standing_refunds
from ledger.money import WIDE, ZERO, total


def is_failed_excess(refund_id: str | int) -> bool:
    """Tell whether a refund was of money that was not owed, and failed."""
    failed = Refund.objects.filter(kind=RefundKind.EXCESS, status=RefundStatus.FAILED)
    return failed.filter(pk=refund_id).exists()


def get_kept_excess(payment: Payment) -> Decimal:
    """Return the money of a payment that was not owed, and neither went back nor will.

    What its payer contests at the bank is on its way by the bank.
    """
    gone = [
        *list_standing_refunds(payment).values_list("amount", flat=True),
        *list_standing_disputes(payment).values_list("amount", flat=True),
    ]
    return max(ZERO, WIDE.subtract(payment.amount, total(gone)))
