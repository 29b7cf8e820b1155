"""Reading the events that could not be priced. Nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef

from billing.models import Customer, QuarantinedEvent, UsageEvent
from billing.queries.paging import Page, read_page


def list_quarantined(
    *, customer: Customer, before: int | None = None
) -> Page[QuarantinedEvent]:
    """Return a customer's quarantined events before an id, with `is_priced`.

    One that is resolved and not priced was taken back.
    """
    priced = UsageEvent.objects.filter(
        pk=OuterRef("pk"), occurred_at=OuterRef("occurred_at")
    )
    events = QuarantinedEvent.objects.filter(customer=customer)
    events = events.annotate(is_priced=Exists(priced))
    return read_page(events, key="id", before=before)


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
