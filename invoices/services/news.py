"""What follows from a provider's news, however they came: by webhook or by asking."""

from datetime import datetime

from invoices.models import Payment
from invoices.payments import News, PaymentNews, Progress
from invoices.services.payments import UnknownPaymentError, fail_payment, mark_paid


def act_on(*, provider: str, news: News, at: datetime) -> None:
    """Do what news of a payment, a refund or a dispute call for; twice is once.

    :raises UnknownPaymentError: if it is about no payment of ours.
    :raises PaymentRefusedError: if the money must not be credited.
    """
    match news:
        case PaymentNews():
            _end_payment(provider, news, at)


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
