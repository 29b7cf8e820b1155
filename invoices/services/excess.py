"""Giving back money that was paid without being owed."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.crypto import get_random_string

from invoices.models import Payment, Refund, RefundKind, RefundStatus
from invoices.queries.excess import get_kept_excess, is_failed_excess
from invoices.services.taking import lock_payment

ACTOR = "payment"
KEY = "excess"


def return_excess(*, payment: Payment, at: datetime) -> Refund:
    """Owe a payment's money back, once; no credits were given for it.

    Runs in the caller's transaction. `send_refund` then asks the provider.
    """
    refund, _ = Refund.objects.get_or_create(
        payment=payment,
        key=KEY,
        defaults=_terms(payment, payment.amount)
        | {
            "reason": f"{payment.invoice} was {payment.invoice.status} already",
            "requested_by": ACTOR,
            "requested_at": at,
        },
    )
    return refund


def _terms(payment: Payment, amount: Decimal) -> dict[str, object]:
    """Return how money is owed back that nobody need approve."""
    return {
        "kind": RefundKind.EXCESS,
        "status": RefundStatus.WITHDRAWN,
        "reference": get_random_string(32),
        "currency": payment.currency,
        "amount": amount,
        "approval_above": amount,
    }


class NotSentAgainError(Exception):
    """The refund has not failed, or is not of money paid without being owed."""


class NothingKeptError(NotSentAgainError):
    """The money went back another way, by the provider's own pages or by the bank."""


@transaction.atomic
def send_excess_again(*, refund: Refund, by: str, at: datetime) -> Refund:
    """Owe money back anew whose refund failed; `send_refund` then asks the provider.

    It is a refund of its own, by which the provider is asked anew. Sending one again
    twice is the same refund.

    :raises NotSentAgainError: if the refund has not failed, or is of another kind.
    :raises NothingKeptError: if nothing of the money is left to be given back.
    """
    payment = lock_payment(refund.payment_id)
    if not is_failed_excess(refund.pk):
        message = f"{refund} is none that failed of money that was not owed."
        raise NotSentAgainError(message)
    key = f"{KEY}:{refund.pk}"
    made = Refund.objects.filter(payment=payment, key=key).first()
    return made or _owe_again(refund, key, payment, by=by, at=at)


def _owe_again(
    failed: Refund, key: str, payment: Payment, *, by: str, at: datetime
) -> Refund:
    kept = get_kept_excess(payment)
    if not kept:
        message = f"The money of {failed} went back another way."
        raise NothingKeptError(message)
    return Refund.objects.create(
        payment=payment,
        key=key,
        reason=failed.reason,
        requested_by=by,
        requested_at=at,
        **_terms(payment, kept),
    )
