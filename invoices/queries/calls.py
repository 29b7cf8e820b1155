"""From a call's key to all its arithmetic and its invoice line. Nothing here writes."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from billing.models import (
    Charge,
    ContextBand,
    Customer,
    IdempotencyClaim,
    Rate,
    RateCardVersion,
    UsageEvent,
)
from billing.pricing.card import DEFAULT_MODEL
from billing.queries.explaining import explain_charge
from invoices.models import InvoiceLine, LineKind, Status
from ledger.models import Entry


@dataclass(frozen=True, slots=True)
class ExplainedCharge:
    """One charge of a call, and the invoice line that it is on, once there is one."""

    charge: Charge
    line: InvoiceLine | None

    @property
    def explanation(self) -> str:
        """The charge's arithmetic in a sentence."""
        return explain_charge(self.charge)


@dataclass(frozen=True, slots=True)
class Call:
    """One call with everything that led to its amount, and who paid for it.

    An entry without a lot was paid by no credits: it is overdraft, or billed later.
    """

    event: UsageEvent
    version: RateCardVersion
    charges: list[ExplainedCharge]
    entries: list[Entry]

    @property
    def lines(self) -> list[InvoiceLine]:
        """The invoice lines that the call is on; none before its period is invoiced."""
        return [each.line for each in self.charges if each.line]


def get_call(*, customer: Customer, key: str) -> Call:
    """Return a customer's call by its idempotency key.

    :raises UsageEvent.DoesNotExist: if no priced call of the customer has this key.
    """
    event = _get_event(customer, key)
    versions = RateCardVersion.objects.select_related("rate_card")
    charges = _list_charges(event)
    lines = _find_lines(event, charges)
    return Call(
        event=event,
        version=versions.get(pk=event.version_id),
        charges=[
            ExplainedCharge(charge, lines.get(_price_of(charge))) for charge in charges
        ],
        entries=_list_entries(event, customer),
    )


def _get_event(customer: Customer, key: str) -> UsageEvent:
    claim = IdempotencyClaim.objects.filter(customer=customer, key=key).first()
    if claim is None:
        raise UsageEvent.DoesNotExist(key)
    # The time lets PostgreSQL look into the right month alone.
    return UsageEvent.objects.get(pk=claim.pk, occurred_at=claim.occurred_at)


def _list_charges(event: UsageEvent) -> list[Charge]:
    # The index leads with rate and band, and the version knows which there can be.
    priced_as = {"version": event.version_id, "model__in": (event.model, DEFAULT_MODEL)}
    rates = Rate.objects.filter(**priced_as)
    bands = ContextBand.objects.filter(**priced_as)
    charges = Charge.objects.filter(
        Q(band__in=list(bands.values_list("pk", flat=True))) | Q(band__isnull=True),
        customer=event.customer_id,
        rate__in=list(rates.values_list("pk", flat=True)),
        period_start=event.period_start,
        occurred_at=event.occurred_at,
        event=event.pk,
        correction_id__isnull=True,
    )
    chained = charges.select_related("rate__version__rate_card", "band")
    return list(chained.order_by("rate_id", "tier", "pk"))


_Price = tuple[int | None, int | None, int | None, Decimal]


def _price_of(row: Charge | InvoiceLine) -> _Price:
    """Return what a charge shares with its line."""
    return row.rate_id, row.band_id, row.tier, row.discount


def _find_lines(event: UsageEvent, charges: list[Charge]) -> dict[_Price, InvoiceLine]:
    """Return the lines of the event's period for its rates, by their price."""
    lines = InvoiceLine.objects.filter(
        invoice__customer=event.customer_id,
        invoice__period_start=event.period_start,
        kind=LineKind.USAGE,
        model=event.model,
        rate__in={charge.rate_id for charge in charges},
    ).exclude(invoice__status__in=(Status.DRAFT, Status.VOID))
    found = lines.select_related("invoice")
    return {_price_of(line): line for line in found}


def _list_entries(event: UsageEvent, customer: Customer) -> list[Entry]:
    if event.first_entry is None:
        return []
    entries = Entry.objects.filter(
        wallet=customer.wallet_id,
        sequence__range=(event.first_entry, event.last_entry),
        recorded_at=event.recorded_at,
    )
    return list(entries.select_related("lot").order_by("sequence"))
