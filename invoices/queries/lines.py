"""From an invoice to its lines, their days and their calls. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet

from billing.models import (
    Charge,
    Customer,
    IdempotencyClaim,
    UsageEvent,
    UsageRollup,
)
from billing.periods import Period
from billing.queries.explaining import explain_charge
from invoices.models import Invoice, InvoiceLine
from ledger.money import ZERO

PAGE_SIZE = 50


def list_lines(*, invoice: Invoice) -> QuerySet[InvoiceLine]:
    """Return an invoice's lines in their order, with what priced them."""
    lines = _lines().filter(invoice=invoice).prefetch_related("rate__tiers")
    return lines.order_by("position")


def get_line(*, customer: Customer, number: str, position: int) -> InvoiceLine:
    """Return one line of a customer's final invoice.

    :raises InvoiceLine.DoesNotExist: if the customer has no such line.
    """
    lines = _lines().filter(invoice__customer=customer, invoice__number=number)
    return lines.get(position=position)


def _lines() -> QuerySet[InvoiceLine]:
    return InvoiceLine.objects.select_related(
        "invoice__customer", "rate__version__rate_card", "band"
    )


@dataclass(frozen=True, slots=True)
class LineDay:
    """What a line's calls of one day, in the customer's time zone, used and cost."""

    day: date
    calls: int
    quantity: Decimal
    amount: Decimal


def list_days(*, line: InvoiceLine) -> list[LineDay]:
    """Return the days of a usage line; they add up to its exact amount.

    A day before the invoice's period holds calls that arrived too late for their own.
    """
    days = _rollups(line).values_list("day", "calls", "quantity", "amount")
    return [LineDay(*row) for row in days.order_by("day")]


def _rollups(line: InvoiceLine) -> QuerySet[UsageRollup]:
    if not line.has_calls:
        return UsageRollup.objects.none()
    return UsageRollup.objects.filter(**_price_of(line))


def _price_of(line: InvoiceLine) -> dict[str, object]:
    """Return what a line has in common with its charges and their sums."""
    return {
        "customer": line.invoice.customer_id,
        "period_start": line.invoice.period.start,
        "model": line.model,
        "rate": line.rate_id,
        "band": line.band_id,
        "tier": line.tier,
        "discount": line.discount,
        "corrects": line.corrects,
    }


@dataclass(frozen=True, slots=True)
class LineCall:
    """One charge of a call on a line, and the caller's key for the call."""

    charge: Charge
    key: str

    @property
    def explanation(self) -> str:
        """The charge's arithmetic in a sentence."""
        return explain_charge(self.charge)


@dataclass(frozen=True, slots=True)
class CallPage:
    """Some calls of a line's day, oldest first, and the totals of the whole day.

    `next_after` is where the next page begins, if there is one.
    """

    day: LineDay
    calls: list[LineCall]
    next_after: int | None


def list_calls(
    *, line: InvoiceLine, day: date, after: int | None = None, limit: int = PAGE_SIZE
) -> CallPage:
    """Return a line's calls of one day; `after` is the event id of the last one seen.

    A page has up to `limit` calls, each with all that it was charged on the line, and
    what of it was taken back there.

    :raises IdempotencyClaim.DoesNotExist: if the customer has no event of that id.
    """
    bounds = _bounds(day, line)
    charges = _charges(line, bounds).filter(_later_than(line, after))
    events = charges.order_by("occurred_at", "event_id").distinct()
    # One more than is shown tells whether there is another page.
    found = list(events.values_list("event_id", "occurred_at")[: limit + 1])
    shown = found[:limit]
    return CallPage(
        day=_total_of(day, line),
        calls=_with_keys(_charges_of(dict(shown), charges), bounds),
        next_after=shown[-1][0] if len(found) > limit else None,
    )


def _charges_of(
    events: dict[int, datetime], charges: QuerySet[Charge]
) -> Sequence[Charge]:
    """Return all charges of some calls: one call may have several on one line."""
    if not events:
        return []
    # The times let PostgreSQL read a short piece of the index.
    whole = charges.filter(
        event__in=events,
        occurred_at__gte=min(events.values()),
        occurred_at__lte=max(events.values()),
    )
    ordered = whole.order_by("occurred_at", "event_id", "pk")
    return list(ordered.select_related("rate__version__rate_card"))


def _bounds(day: date, line: InvoiceLine) -> Period:
    zone = line.invoice.customer.zone
    # A day is 23 or 25 hours long where the clocks change.
    following = day + timedelta(days=1)
    return Period(
        datetime.combine(day, time(), tzinfo=zone),
        datetime.combine(following, time(), tzinfo=zone),
    )


def _charges(line: InvoiceLine, bounds: Period) -> QuerySet[Charge]:
    if not line.has_calls:
        return Charge.objects.none()
    return Charge.objects.filter(
        occurred_at__gte=bounds.start, occurred_at__lt=bounds.end, **_price_of(line)
    )


def _later_than(line: InvoiceLine, after: int | None) -> Q:
    if after is None:
        return Q()
    last = IdempotencyClaim.objects.get(pk=after, customer=line.invoice.customer_id)
    at = last.occurred_at
    # The first half lets PostgreSQL begin in the middle of the index.
    return Q(occurred_at__gte=at) & (Q(occurred_at__gt=at) | Q(event_id__gt=after))


def _total_of(day: date, line: InvoiceLine) -> LineDay:
    sums = _rollups(line).filter(day=day)
    found = sums.values_list("day", "calls", "quantity", "amount").first()
    return LineDay(*found) if found else LineDay(day, 0, ZERO, ZERO)


def _with_keys(charges: Sequence[Charge], bounds: Period) -> list[LineCall]:
    events = UsageEvent.objects.filter(
        pk__in=[charge.event_id for charge in charges],
        occurred_at__gte=bounds.start,
        occurred_at__lt=bounds.end,
    )
    keys = dict(events.values_list("pk", "idempotency_key"))
    return [LineCall(charge, keys[charge.event_id]) for charge in charges]
