"""Asking the provider about payments whose end nobody told us."""

from datetime import datetime

from invoices.models import Payment, PaymentStatus
from invoices.payments import Progress, get_provider
from invoices.services.news import act_on


def settle_payment(*, payment_id: int, at: datetime) -> Progress:
    """Charge the kept card, or ask what became of a page, and act on the answer.

    Doing it again, or twice at once, charges and credits nothing twice. The provider
    is asked outside of any transaction: it may take its time.

    :raises ProviderError: if the provider does not answer.
    :raises PaymentRefusedError: if the money must not be credited.
    """
    payment = Payment.objects.select_related("invoice__customer", "method").get(
        pk=payment_id
    )
    if payment.status != PaymentStatus.PENDING:
        return Progress(payment.status)
    provider = get_provider(payment.provider)
    if payment.method:
        news = provider.charge(payment=payment)
    else:
        news = provider.ask(payment=payment, at=at)
    act_on(provider=payment.provider, news=news, at=at)
    return news.progress
