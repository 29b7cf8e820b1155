"""Finding calls, by their keys, and what they were charged. Nothing here writes."""

from django.db.models import Q, QuerySet

from billing.models import (
    Charge,
    ContextBand,
    Correction,
    Customer,
    IdempotencyClaim,
    Rate,
    UsageEvent,
)
from billing.pricing.card import DEFAULT_MODEL


def filter_by_key(
    claims: QuerySet[IdempotencyClaim], *, key: str
) -> QuerySet[IdempotencyClaim]:
    """Keep the claims of a key, whichever customer took it."""
    # The index begins with the customer: one probe for each beats reading every claim.
    return claims.filter(customer__in=Customer.objects.all(), key=key)


def find_events(events: QuerySet[UsageEvent], *, key: str) -> QuerySet[UsageEvent]:
    """Keep the events recorded under a key, whichever customer posted it."""
    claims = filter_by_key(IdempotencyClaim.objects.all(), key=key)
    times = dict(claims.values_list("pk", "occurred_at"))
    # The times let PostgreSQL look into the right months alone.
    return events.filter(pk__in=times, occurred_at__in=set(times.values()))


def get_event(*, customer: Customer, key: str) -> UsageEvent:
    """Return a customer's event by its idempotency key.

    :raises UsageEvent.DoesNotExist: if no priced event of the customer has this key.
    """
    claim = IdempotencyClaim.objects.filter(customer=customer, key=key).first()
    if claim is None:
        raise UsageEvent.DoesNotExist(key)
    # The time lets PostgreSQL look into the right month alone.
    events = UsageEvent.objects.select_related("api_key")
    return events.get(pk=claim.pk, occurred_at=claim.occurred_at)


def is_key_taken(*, customer: Customer, key: str) -> bool:
    """Tell whether a customer's event was recorded under this idempotency key."""
    return IdempotencyClaim.objects.filter(customer=customer, key=key).exists()


def list_charges(
    event: UsageEvent, *, correction: Correction | None = None
) -> list[Charge]:
    """Return an event's charges, or the ones by which a correction takes them back."""
    # The index leads with rate and band, and the version knows which there can be.
    priced_as = {"version": event.version_id, "model__in": (event.model, DEFAULT_MODEL)}
    rates = Rate.objects.filter(**priced_as)
    bands = ContextBand.objects.filter(**priced_as)
    charges = Charge.objects.filter(
        Q(band__in=list(bands.values_list("pk", flat=True))) | Q(band__isnull=True),
        customer=event.customer_id,
        rate__in=list(rates.values_list("pk", flat=True)),
        period_start=correction.period_start if correction else event.period_start,
        occurred_at=event.occurred_at,
        event=event.pk,
        correction_id=correction.pk if correction else None,
    )
    chained = charges.select_related("rate__version__rate_card", "band")
    return list(chained.order_by("rate_id", "tier", "pk"))
