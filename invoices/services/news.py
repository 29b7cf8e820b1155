"""What follows from a provider's news, however they came: by webhook or by asking."""

from datetime import datetime

from invoices.models import Payment, PaymentStatus, Refund
from invoices.payments import (
    ChargeRefunded,
    DisputeNews,
    News,
    PaymentNews,
    Progress,
    RefundNews,
)
from invoices.services.disputes import note_dispute
from invoices.services.payments import (
    PaymentRefusedError,
    UnknownPaymentError,
    fail_payment,
    mark_paid,
)
from invoices.services.provider_refunds import note_charge_refunded
from invoices.services.sending import note_refund_news
from ledger.failpoints import failpoint


class UnknownRefundError(PaymentRefusedError):
    """No refund of this reference was asked for."""


def act_on(*, provider: str, news: News, at: datetime) -> None:
    """Do what news of a payment, a refund or a dispute call for; twice is once.

    :raises UnknownPaymentError: if it is about no payment of ours.
    :raises UnknownRefundError: if it is about no refund of ours.
    :raises PaymentRefusedError: if it cannot be: see the classes of it.
    """
    match news:
        case PaymentNews():
            _end_payment(provider, news, at)
        case RefundNews():
            _end_refund(provider, news, at)
        case ChargeRefunded():
            note_charge_refunded(
                payment=_find_paid(provider, news.provider_reference),
                amount_refunded=news.amount_refunded,
                currency=news.currency,
                at=at,
            )
        case DisputeNews():
            payment = _find_paid(provider, news.provider_reference)
            note_dispute(payment=payment, news=news, at=at)


def _end_payment(provider: str, news: PaymentNews, at: datetime) -> None:
    payments = Payment.objects.select_related("invoice__customer")
    payment = payments.filter(provider=provider, reference=news.reference).first()
    if payment is None:
        raise UnknownPaymentError(news.reference)
    if news.progress is Progress.FAILED:
        fail_payment(payment=payment, failure=news.failure, at=at)
    elif news.progress is Progress.SUCCEEDED:
        mark_paid(
            invoice=payment.invoice,
            reference=news.reference,
            amount=news.amount,
            currency=news.currency,
            provider_reference=news.provider_reference,
            card=news.card,
            at=at,
        )
        failpoint("purchase-paid")


def _end_refund(provider: str, news: RefundNews, at: datetime) -> None:
    refunds = Refund.objects.select_related("payment")
    ours = refunds.filter(payment__provider=provider, reference=news.reference)
    refund = ours.first()
    if refund is None:
        raise UnknownRefundError(news.reference)
    note_refund_news(refund=refund, news=news, at=at)


def _find_paid(provider: str, provider_reference: str) -> Payment:
    """Return the payment that its provider calls so.

    News of what became of it may come before those that it was made: they come again.
    """
    paid = Payment.objects.filter(
        provider=provider,
        provider_reference=provider_reference,
        status=PaymentStatus.SUCCEEDED,
    )
    payment = paid.first() if provider_reference else None
    if payment is None:
        raise UnknownPaymentError(provider_reference)
    return payment
