"""Taking payments and refunds in hand whose end nobody told, for one question each.

Rows that are locked are passed over, so nothing here waits for anybody.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from billing.backoff import pause_after
from invoices.models import Payment, PaymentStatus, Refund, RefundStatus
from invoices.services.taking import lock_payment

UNDER_WAY = (RefundStatus.WITHDRAWN, RefundStatus.SENT)
# Whose job was queued when it began is given this long before another takes it up.
JOB_PATIENCE = timedelta(minutes=1)
# The rest has its turn with the next look.
BATCH = 200
_FAILURE_LENGTH = 200


@transaction.atomic
def lease_payments(*, at: datetime) -> list[int]:
    """Take the pending payments in hand that are to be asked about at an instant.

    A page is asked about after `PAYMENT_PATIENCE`, an auto top-up's charge after a
    minute. Then a payment is left alone for `PAYMENT_PATIENCE`, and twice as long each
    time, up to six hours.
    """
    # A charge that no top-up waits for was left to a person.
    pending = Payment.objects.filter(
        Q(method__isnull=True) | Q(autotopup__isnull=False),
        status=PaymentStatus.PENDING,
    )
    silent = Q(started_at__lte=at - settings.PAYMENT_PATIENCE)
    charged = Q(
        method__isnull=False,
        provider=settings.PAYMENT_PROVIDER,
        started_at__lte=at - JOB_PATIENCE,
    )
    due = pending.filter(
        Q(ask_again_at__lte=at) | Q(ask_again_at__isnull=True) & (silent | charged)
    )
    locked = due.order_by("pk").select_for_update(skip_locked=True, of=("self",))
    payments = list(locked[:BATCH])
    _postpone(payments, at)
    Payment.objects.bulk_update(payments, ["asked", "ask_again_at"])
    return [payment.pk for payment in payments]


@transaction.atomic
def lease_refunds(*, at: datetime) -> list[int]:
    """Take the refunds in hand whose money is to be asked for at an instant.

    That is a minute after the credits were taken or the money was sent. Then a refund
    is left alone for `PAYMENT_PATIENCE`, and twice as long each time, up to six hours.
    """
    since = Coalesce("sent_at", "withdrawn_at", "requested_at")
    under_way = Refund.objects.filter(status__in=UNDER_WAY).annotate(since=since)
    due = under_way.filter(
        Q(ask_again_at__lte=at)
        | Q(ask_again_at__isnull=True, since__lte=at - JOB_PATIENCE)
    )
    # A refund that changes locks its payment: both are free, or it is passed over.
    locked = due.select_related("payment").select_for_update(
        skip_locked=True, of=("self", "payment")
    )
    refunds = list(locked.order_by("pk")[:BATCH])
    _postpone(refunds, at)
    Refund.objects.bulk_update(refunds, ["asked", "ask_again_at"])
    return [refund.pk for refund in refunds]


def _postpone(subjects: Sequence[Payment | Refund], at: datetime) -> None:
    for subject in subjects:
        subject.asked += 1
        pause = pause_after(subject.asked, first=settings.PAYMENT_PATIENCE)
        subject.ask_again_at = at + pause


@transaction.atomic
def note_vain_question(*, subject: Payment | Refund, error: Exception) -> None:
    """Keep why a provider was asked in vain, for people to see; once ended, nothing."""
    failure = str(error)[:_FAILURE_LENGTH] or type(error).__name__
    if isinstance(subject, Payment):
        payments = Payment.objects.filter(pk=subject.pk, status=PaymentStatus.PENDING)
        payments.update(ask_failure=failure)
        return
    # The payment is locked before its refund, as everywhere.
    lock_payment(subject.payment_id)
    refunds = Refund.objects.filter(pk=subject.pk, status__in=UNDER_WAY)
    refunds.update(ask_failure=failure)
