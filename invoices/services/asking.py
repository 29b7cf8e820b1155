"""Asking the provider about payments whose end nobody told us."""

from datetime import datetime

from django.conf import settings

from invoices.models import Payment, PaymentStatus
from invoices.payments import PaymentNews, Progress, ProviderError, get_provider
from invoices.services.leases import note_vain_question
from invoices.services.leaving import end_elsewhere, leave_to_a_person
from invoices.services.news import act_on
from invoices.services.payments import PaymentMismatchError


def settle_payment(*, payment_id: int, at: datetime) -> Progress:
    """Charge the kept card, or ask what became of a page, and act on the answer.

    Doing it again, or twice at once, charges and credits nothing twice. The provider
    is asked outside of any transaction: it may take its time. A payment of a provider
    that is not in use any more is ended, and a charge of another amount than was asked
    for is left to a person.

    :raises ProviderError: if the provider does not answer.
    :raises PaymentRefusedError: if the money must not be credited.
    """
    payment = Payment.objects.select_related("invoice__customer", "method").get(
        pk=payment_id
    )
    if payment.status != PaymentStatus.PENDING:
        return Progress(payment.status)
    if payment.provider != settings.PAYMENT_PROVIDER:
        return Progress(end_elsewhere(payment=payment, at=at).status)
    news = _ask(payment, at)
    try:
        act_on(provider=payment.provider, news=news, at=at)
    except PaymentMismatchError as error:
        note_vain_question(subject=payment, error=error)
        if payment.method:
            leave_to_a_person(payment=payment, at=at)
        raise
    return news.progress


def _ask(payment: Payment, at: datetime) -> PaymentNews:
    provider = get_provider(payment.provider)
    try:
        if payment.method:
            return provider.charge(payment=payment)
        return provider.ask(payment=payment, at=at)
    except ProviderError as error:
        note_vain_question(subject=payment, error=error)
        raise
