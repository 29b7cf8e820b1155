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
from invoices.services.crediting import cancel_credit_note, issue_credit_note
from invoices.services.leases import UNDER_WAY, note_vain_question
from invoices.services.provider_refunds import SaidSum, believe, with_sum
from invoices.services.returns import ACTOR, reclaim, take_in_provider_refunds
from invoices.services.taking import give_back, lock_payment, review
from ledger.failpoints import failpoint

# What news may still change. Money that went back may come back, and then for good.
_BEFORE = {
    Progress.PENDING: UNDER_WAY,
    Progress.SUCCEEDED: UNDER_WAY,
    Progress.FAILED: (*UNDER_WAY, RefundStatus.SUCCEEDED),
}


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
    ended = note_refund_news(refund=refund, news=news, at=at)
    failpoint("refund-recorded")
    return RefundStatus(ended.status)


def _ask(refund: Refund) -> RefundNews:
    try:
        return get_provider(refund.payment.provider).refund(refund=refund)
    except (ProviderError, UnknownProviderError) as error:
        note_vain_question(subject=refund, error=error)
        raise


def note_refund_news(*, refund: Refund, news: RefundNews, at: datetime) -> Refund:
    """Note how far a refund got, by an answer of the provider or by its webhook.

    If it failed, the provider is asked how much it has given back by now, outside of
    any transaction: a sum that it told before may count this refund.

    :raises ProviderError: if the provider does not answer; asking again is safe.
    """
    if Progress.FAILED not in (news.progress, refund.status):
        return record_answer(refund=refund, news=news, at=at)
    return with_sum(
        refund.payment,
        lambda said: record_answer(refund=refund, news=news, at=at, said=said),
    )


@transaction.atomic
def record_answer(
    *, refund: Refund, news: RefundNews, at: datetime, said: SaidSum | None = None
) -> Refund:
    """Note how far a refund got: sent, ended with a credit note, or failed.

    A refund that failed gives its credits back, but for those that a dispute holds, and
    what its provider has given back otherwise is taken in. It may fail after it had
    succeeded: its credit note is canceled. News that come too late change nothing.

    :raises SumOutdatedError: if a refund has moved since the provider said the sum.
    """
    payment = lock_payment(refund.payment_id)
    locked = Refund.objects.select_for_update().get(pk=refund.pk)
    locked.payment = payment
    if said:
        believe(said, payment)
    if locked.status in _BEFORE[news.progress]:
        _record(locked, news, at)
    if said:
        # Its money may have gone another way: back by the provider's own pages, or by
        # the bank, which holds it while the payment is disputed.
        take_in_provider_refunds(payment, at=at)
        reclaim(payment, at=at)
        review(payment, at=at)
    return locked


def _record(refund: Refund, news: RefundNews, at: datetime) -> None:
    refund.provider_reference = news.provider_reference or refund.provider_reference
    refund.sent_at = refund.sent_at or at
    match news.progress:
        case Progress.PENDING:
            refund.status = RefundStatus.SENT
            refund.save()
        case Progress.SUCCEEDED:
            _succeed(refund, at)
        case Progress.FAILED:
            _fail(refund, news.failure, at)


def _succeed(refund: Refund, at: datetime) -> None:
    refund.status, refund.ended_at = RefundStatus.SUCCEEDED, at
    refund.save()
    issue_credit_note(refund, at=at)


def _fail(refund: Refund, failure: str, at: datetime) -> None:
    give_back(refund, refund.withdrawn_at, by=ACTOR, at=at)
    refund.status, refund.ended_at = RefundStatus.FAILED, at
    refund.failure = failure[:200]
    refund.save()
    cancel_credit_note(refund, at=at)
