"""Acting on what a payment provider says."""

from datetime import datetime
from decimal import Decimal

from invoices.models import Payment, ProviderEvent
from invoices.payments import FAILED, SUCCEEDED, PaymentEvent
from invoices.services.purchases import UnknownPaymentError, fail_payment, mark_paid


def receive_event(*, provider: str, event: PaymentEvent, at: datetime) -> ProviderEvent:
    """Store a provider's event, then act on it in a transaction of its own.

    A repeated event acts again, which changes nothing, unless the first time was cut
    off in between. What has the same id is the same event: the first one stands.

    :raises UnknownPaymentError: if it is about no payment of ours.
    :raises PaymentRefusedError: if the money must not be credited.
    """
    stored, _ = ProviderEvent.objects.get_or_create(
        provider=provider,
        event_id=event.event_id,
        defaults={"kind": event.kind, "payload": event.payload},
    )
    if stored.kind in (SUCCEEDED, FAILED):
        _end_payment(stored, at)
    return stored


def _end_payment(event: ProviderEvent, at: datetime) -> None:
    reference = event.payload["reference"]
    payments = Payment.objects.select_related("invoice__customer")
    payment = payments.filter(provider=event.provider, reference=reference).first()
    if payment is None:
        raise UnknownPaymentError(reference)
    if event.kind == FAILED:
        fail_payment(payment=payment, at=at)
        return
    mark_paid(
        invoice=payment.invoice,
        reference=reference,
        amount=Decimal(event.payload["amount"]),
        currency=event.payload["currency"],
        at=at,
    )
