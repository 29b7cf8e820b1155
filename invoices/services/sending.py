"""Seeing a refund through: asking its provider for it, and recording the answer."""

from datetime import datetime

from django.db import transaction

from invoices.models import Refund, RefundStatus
from invoices.payments import (
    Progress,
    ProviderError,
    RefundNews,
    UnknownProviderError,
    get_provider,
)
from invoices.services.crediting import issue_credit_note
from invoices.services.leases import UNDER_WAY, note_vain_question
from invoices.services.payments import PaymentRefusedError
from invoices.services.returns import ACTOR, reclaim, take_in_provider_refunds
from invoices.services.taking import give_back, lock_payment
from ledger.failpoints import failpoint


def send_refund(*, refund_id: int, at: datetime) -> RefundStatus:
    """Ask the provider for a refund that is under way, and record its answer.

    Doing it again, twice at once or after a crash gives nothing back twice: it is asked
    for by its reference. The provider is asked outside of any transaction: it may take
    its time.

    :raises ProviderError: if the provider does not answer; asking again is safe.
    :raises UnknownProviderError: if its provider is not in use any more.
    """
    refund = Refund.objects.select_related("payment__invoice__customer").get(
        pk=refund_id
    )
    if refund.status not in UNDER_WAY:
        return RefundStatus(refund.status)
    failpoint("refund-withdrawn")
    news = _ask(refund)
    failpoint("refund-answered")
    ended = record_answer(refund=refund, news=news, at=at)
    failpoint("refund-recorded")
    return RefundStatus(ended.status)


def _ask(refund: Refund) -> RefundNews:
    try:
        return get_provider(refund.payment.provider).refund(refund=refund)
    except (ProviderError, UnknownProviderError) as error:
        note_vain_question(subject=refund, error=error)
        raise


class RefundContradictedError(PaymentRefusedError):
    """A refund that has succeeded is said to have failed, or the other way around."""


@transaction.atomic
def record_answer(*, refund: Refund, news: RefundNews, at: datetime) -> Refund:
    """Note how far a refund got: sent, ended with a credit note, or failed.

    A refund that failed gives its credits back, but for those that a dispute holds. One
    that has ended stays as it is, whatever comes later.
    """
    payment = lock_payment(refund.payment_id)
    locked = Refund.objects.select_for_update().get(pk=refund.pk)
    locked.payment = payment
    if locked.status not in UNDER_WAY:
        _check_agreement(locked, news)
        return locked
    locked.provider_reference = news.provider_reference or locked.provider_reference
    match news.progress:
        case Progress.PENDING:
            _note_sent(locked, at)
        case Progress.SUCCEEDED:
            _succeed(locked, at)
        case Progress.FAILED:
            _fail(locked, news.failure, at)
    return locked


def _check_agreement(refund: Refund, news: RefundNews) -> None:
    ended = {RefundStatus.SUCCEEDED, RefundStatus.FAILED} & {refund.status}
    if ended and news.progress not in (Progress.PENDING, refund.status):
        message = f"{refund} has {refund.status}, and is said to have {news.progress}"
        raise RefundContradictedError(message)


def _note_sent(refund: Refund, at: datetime) -> None:
    refund.status = RefundStatus.SENT
    refund.sent_at = refund.sent_at or at
    refund.save()


def _succeed(refund: Refund, at: datetime) -> None:
    refund.status, refund.ended_at = RefundStatus.SUCCEEDED, at
    refund.save()
    issue_credit_note(refund, at=at)


def _fail(refund: Refund, failure: str, at: datetime) -> None:
    give_back(refund, refund.withdrawn_at, by=ACTOR, at=at)
    refund.status, refund.ended_at = RefundStatus.FAILED, at
    refund.failure = failure[:200]
    refund.save()
    # Its money may have gone another way: back by the provider's own pages, or by
    # the bank, which holds it while the payment is disputed.
    take_in_provider_refunds(refund.payment, at=at)
    reclaim(refund.payment, at=at)
