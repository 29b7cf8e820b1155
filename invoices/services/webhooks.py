"""Acting on what a payment provider says, until it was done."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from billing.backoff import pause_after
from invoices.models import EventRetry, ProviderEvent
from invoices.payments import (
    PaymentProvider,
    ProviderError,
    SignedEvent,
    WebhookError,
    get_provider,
)
from invoices.services.news import act_on
from invoices.services.payments import PaymentRefusedError
from ledger.failpoints import failpoint

# Who received an event is given this long to act on it.
FIRST_PAUSE = timedelta(minutes=1)
# For how long an event that stays unhandled is acted on again.
ACTED_ON_FOR = timedelta(days=30)
# The rest has its turn with the next look.
BATCH = 200
_FAILURE_LENGTH = 200


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
    _act(provider, stored, at)
    return stored


def _act(provider: PaymentProvider, stored: ProviderEvent, at: datetime) -> None:
    """Act on an event, then say so: cut off in between, it is acted on once more."""
    news = provider.read(SignedEvent(stored.event_id, stored.kind, stored.payload))
    if news:
        act_on(provider=provider.name, news=news, at=at)
    unhandled = ProviderEvent.objects.filter(pk=stored.pk, handled_at__isnull=True)
    unhandled.update(handled_at=at)


@transaction.atomic
def lease_events(*, at: datetime) -> list[int]:
    """Take the events in hand that nobody has acted on, though a minute has passed.

    An event may have been cut off, or refused because it came before its payment. It is
    taken again after a minute, then after twice as long each time, up to six hours, for
    30 days.
    """
    unhandled = ProviderEvent.objects.filter(
        Q(retry__isnull=True) | Q(retry__retry_at__lte=at),
        provider=settings.PAYMENT_PROVIDER,
        handled_at__isnull=True,
        recorded_at__gt=at - ACTED_ON_FOR,
        recorded_at__lte=at - FIRST_PAUSE,
    )
    locked = unhandled.select_for_update(skip_locked=True, of=("self",))
    events = list(locked.select_related("retry").order_by("pk")[:BATCH])
    EventRetry.objects.bulk_create(
        [_next_try(event, at) for event in events],
        update_conflicts=True,
        unique_fields=["event"],
        update_fields=["tries", "retry_at"],
    )
    return [event.pk for event in events]


def _next_try(event: ProviderEvent, at: datetime) -> EventRetry:
    before = event.retry.tries if hasattr(event, "retry") else 0
    retry_at = at + pause_after(before + 1, first=FIRST_PAUSE)
    return EventRetry(event=event, tries=before + 1, retry_at=retry_at)


def handle_event(*, event_id: int, at: datetime) -> None:
    """Act on an event that is stored, unless that was done; keep why it could not be.

    :raises PaymentRefusedError: if it is refused, as when it was received.
    :raises WebhookError: if it cannot be understood.
    :raises ProviderError: if the provider does not answer a question of ours.
    """
    stored = ProviderEvent.objects.get(pk=event_id)
    if stored.handled_at:
        return
    try:
        _act(get_provider(stored.provider), stored, at)
    except (PaymentRefusedError, WebhookError, ProviderError) as error:
        failure = f"{type(error).__name__}: {error}"[:_FAILURE_LENGTH]
        EventRetry.objects.filter(event=stored).update(failure=failure)
        raise
