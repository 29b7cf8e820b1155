"""Reading the events that could not be priced. Nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, Subquery

from billing.models import Correction, Customer, QuarantinedEvent, UsageEvent
from billing.pricing.quantities import INCURABLE
from billing.queries.paging import Page, read_page


def list_quarantined(
    *, customer: Customer, before: int | None = None
) -> Page[QuarantinedEvent]:
    """Return a customer's quarantined events before an id, and what became of them.

    `is_priced` and `is_curable` say whether each has a price, and may get one. One that
    is resolved and not priced was taken back; `replaced_by` is the key of the event
    that stands instead, if one does.
    """
    priced = UsageEvent.objects.filter(
        pk=OuterRef("pk"), occurred_at=OuterRef("occurred_at")
    )
    events = QuarantinedEvent.objects.filter(customer=customer)
    events = events.annotate(
        is_priced=Exists(priced),
        is_curable=~Q(reason__in=INCURABLE),
        replaced_by=_key_of_replacement(),
    )
    return read_page(events, key="id", before=before)


def _key_of_replacement() -> Subquery:
    corrections = Correction.objects.filter(
        customer=OuterRef(OuterRef("customer")), event_id=OuterRef(OuterRef("pk"))
    )
    # It happened at the same time, which lets PostgreSQL look into the right month.
    replacements = UsageEvent.objects.filter(
        pk=Subquery(corrections.values("replacement_id")),
        occurred_at=OuterRef("occurred_at"),
    )
    return Subquery(replacements.values("idempotency_key"))


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many events wait for one reason."""

    reason: str
    events: int


def count_waiting(*, event_ids: Iterable[int]) -> list[ReasonCount]:
    """Return why some events still wait, the commonest reason first."""
    waiting = QuarantinedEvent.objects.filter(
        pk__in=event_ids, resolved_at__isnull=True
    )
    counted = waiting.values_list("reason").annotate(events=Count("pk"))
    return [ReasonCount(*row) for row in counted.order_by("-events", "reason")]
