"""From what an invoice takes back to the earlier invoice. Nothing here writes."""

from collections.abc import Iterable
from datetime import datetime

from invoices.models import InvoiceLine, LineKind, Status

_Price = tuple[object, ...]


def find_corrected_lines(lines: Iterable[InvoiceLine]) -> dict[int, InvoiceLine]:
    """Return the line of an earlier invoice that each adjustment takes back from.

    By the adjustment's id, for the lines of one customer; one without any, because
    that invoice was voided, is left out.
    """
    adjustments = [line for line in lines if line.corrects]
    if not adjustments:
        return {}
    customers = {line.invoice.customer_id for line in adjustments}
    earlier = InvoiceLine.objects.filter(
        invoice__customer__in=customers,
        invoice__period_start__in={line.corrects for line in adjustments},
        kind=LineKind.USAGE,
        rate__in={line.rate_id for line in adjustments},
    ).exclude(invoice__status__in=(Status.DRAFT, Status.VOID))
    by_price = {
        _price_of(line, line.invoice.period_start): line
        for line in earlier.select_related("invoice")
    }
    found = {
        line.pk: by_price.get(_price_of(line, line.corrects)) for line in adjustments
    }
    return {pk: line for pk, line in found.items() if line}


def _price_of(line: InvoiceLine, period_start: datetime | None) -> _Price:
    """Return what an adjustment shares with the line that it corrects."""
    price = (line.model, line.rate_id, line.band_id, line.tier, line.discount)
    return (line.invoice.customer_id, period_start, *price)
