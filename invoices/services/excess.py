"""Giving back money that was paid without being owed."""

from datetime import datetime

from django.utils.crypto import get_random_string

from invoices.models import Payment, Refund, RefundKind, RefundStatus

ACTOR = "payment"
KEY = "excess"


def return_excess(*, payment: Payment, at: datetime) -> Refund:
    """Owe a payment's money back, once; no credits were given for it.

    Runs in the caller's transaction. `send_refund` then asks the provider.
    """
    refund, _ = Refund.objects.get_or_create(
        payment=payment,
        key=KEY,
        defaults={
            "kind": RefundKind.EXCESS,
            "status": RefundStatus.WITHDRAWN,
            "reference": get_random_string(32),
            "currency": payment.currency,
            "amount": payment.amount,
            "reason": f"{payment.invoice} was {payment.invoice.status} already",
            "requested_by": ACTOR,
            "requested_at": at,
            "approval_above": payment.amount,
        },
    )
    return refund
