"""Refunding unused credits: asking for it, and a second person's word on it."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.crypto import get_random_string

from invoices.models import Invoice, OffBecause, Refund, RefundKind, RefundStatus
from invoices.queries.purchased import find_paying_payment
from invoices.queries.refunds import RefundPlan, plan_refund, quote_refund
from invoices.services.taking import Parts, lock_payment, review_alerts, withdraw


class RefundKeyReusedError(Exception):
    """The key was used before, for a refund of another amount."""


@transaction.atomic
def request_refund(
    *,
    invoice: Invoice,
    amount: Decimal | None,
    reason: str,
    key: str,
    by: str,
    at: datetime,
) -> Refund:
    """Refund an amount of a purchase, or all that is unused of it.

    The credits are off the wallet at once; `send_refund` then sends the money. Above
    `REFUND_APPROVAL_ABOVE` nothing moves before somebody else approves. Asking again by
    the same key is the same refund, and moves nothing more.

    :raises RefundKeyReusedError: if the key was used for another amount.
    :raises RefundTooLargeError: if more is asked for than is unused.
    :raises NotRefundableError: if the invoice is no purchase that was paid in money, or
        the amount cannot be paid.
    """
    payment = find_paying_payment(invoice)
    if payment:
        lock_payment(payment.pk)
        made = Refund.objects.filter(payment=payment, key=key).first()
        if made:
            return _repeated(made, amount)
    # Under the lock, so that what is unused stays so.
    plan = plan_refund(quote=quote_refund(invoice=invoice, at=at), amount=amount)
    refund = _create(plan, reason=reason, key=key, by=by, at=at)
    if not plan.needs_approval:
        _withdraw(refund, plan, by=by, at=at)
    return refund


def _create(
    plan: RefundPlan, *, reason: str, key: str, by: str, at: datetime
) -> Refund:
    return Refund.objects.create(
        payment=plan.quote.payment,
        kind=RefundKind.UNUSED,
        key=key,
        reference=get_random_string(32),
        currency=plan.quote.currency,
        amount=plan.money,
        reason=reason,
        requested_by=by,
        requested_at=at,
        approval_above=plan.approval_above,
    )


def _repeated(refund: Refund, amount: Decimal | None) -> Refund:
    if amount not in (None, refund.amount):
        raise RefundKeyReusedError(refund.key)
    return refund


def _withdraw(refund: Refund, plan: RefundPlan, *, by: str, at: datetime) -> None:
    parts = Parts(credits=plan.credits, bonus=plan.bonus)
    withdraw(refund, plan.quote.purchased, parts, by=by, at=at)
    review_alerts(refund.payment, OffBecause.REFUND, at=at)


class NotWaitingError(Exception):
    """The refund does not wait for approval: it was decided on, or needs none."""


class SamePersonError(Exception):
    """Who asked for a refund may not approve it."""


@transaction.atomic
def approve_refund(*, refund: Refund, by: str, at: datetime) -> Refund:
    """Let a refund go on that somebody else asked for; its credits are off at once.

    :raises SamePersonError: if the same person asked for it.
    :raises NotWaitingError: if it does not wait for approval.
    :raises RefundTooLargeError: if less is unused by now.
    """
    locked = _lock_waiting(refund)
    if locked.requested_by == by:
        message = f"{by} asked for this refund: somebody else has to approve it."
        raise SamePersonError(message)
    quote = quote_refund(invoice=locked.payment.invoice, at=at)
    plan = plan_refund(quote=quote, amount=locked.amount)
    locked.approved_by, locked.decided_at = by, at
    _withdraw(locked, plan, by=by, at=at)
    return locked


@transaction.atomic
def decline_refund(*, refund: Refund, by: str, at: datetime) -> Refund:
    """Refuse a refund that waits for approval; nothing was moved.

    :raises NotWaitingError: if it does not wait for approval.
    """
    locked = _lock_waiting(refund)
    locked.status = RefundStatus.DECLINED
    locked.approved_by, locked.decided_at, locked.ended_at = "", at, at
    locked.failure = f"declined by {by}"[:200]
    locked.save()
    return locked


def _lock_waiting(refund: Refund) -> Refund:
    payment = lock_payment(refund.payment_id)
    locked = Refund.objects.select_for_update().get(pk=refund.pk)
    locked.payment = payment
    if locked.status != RefundStatus.REQUESTED:
        message = f"{locked} is {locked.get_status_display()}: it does not wait."
        raise NotWaitingError(message)
    return locked
