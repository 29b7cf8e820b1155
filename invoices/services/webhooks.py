"""Acting on what a payment provider says."""

from datetime import datetime

from invoices.models import ProviderEvent
from invoices.payments import PaymentProvider, SignedEvent
from invoices.services.news import act_on
from ledger.failpoints import failpoint


def receive_event(
    *, provider: PaymentProvider, event: SignedEvent, at: datetime
) -> ProviderEvent:
    """Store a provider's event, then act on it in a transaction of its own.

    A repeated event acts again, which changes nothing, unless the first time was cut
    off in between. What has the same id is the same event: the first one stands.

    :raises UnknownPaymentError: if it is about no payment of ours.
    :raises UnknownRefundError: if it is about no refund of ours.
    :raises PaymentRefusedError: if the money must not be credited.
    :raises WebhookError: if it cannot be understood.
    """
    stored, _ = ProviderEvent.objects.get_or_create(
        provider=provider.name,
        event_id=event.event_id,
        defaults={"kind": event.kind, "payload": event.payload},
    )
    failpoint("purchase-announced")
    first = SignedEvent(stored.event_id, stored.kind, stored.payload)
    news = provider.read(first)
    if news:
        act_on(provider=provider.name, news=news, at=at)
    return stored
