"""Reading the events that could not be priced. Nothing here writes."""

from billing.models import Customer, QuarantinedEvent
from billing.queries.paging import Page, read_page


def list_quarantined(
    *, customer: Customer, before: int | None = None
) -> Page[QuarantinedEvent]:
    """Return a customer's quarantined events, priced since or not, before an id."""
    events = QuarantinedEvent.objects.filter(customer=customer)
    return read_page(events, key="id", before=before)
