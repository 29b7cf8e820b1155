"""From a call's key to all its arithmetic and its invoice line. Nothing here writes."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from billing.models import (
    Charge,
    Correction,
    Customer,
    RateCardVersion,
    UsageEvent,
)
from billing.queries.calls import get_event, list_charges
from billing.queries.corrections import (
    find_amendment,
    find_correction,
    get_key,
    list_correction_entries,
)
from billing.queries.explaining import explain_charge
from invoices.models import CALL_LINES, InvoiceLine, Status
from ledger.models import Entry
from ledger.money import WIDE
from ledger.queries import list_run


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
class TakenBack:
    """What took a call back: its charges below zero, and the credits given back.

    `replacement` is the key of the call that stands instead.
    """

    correction: Correction
    charges: list[ExplainedCharge]
    entries: list[Entry]
    replacement: str | None

    @property
    def amount(self) -> Decimal:
        """The sum of the charges, below zero."""
        return WIDE.minus(self.correction.amount)


@dataclass(frozen=True, slots=True)
class Call:
    """One call with everything that led to its amount, and who paid for it.

    An entry without a lot was paid by no credits: it is overdraft, or billed later.
    `amends` is the key of the call that it replaces.
    """

    event: UsageEvent
    version: RateCardVersion
    charges: list[ExplainedCharge]
    entries: list[Entry]
    taken_back: TakenBack | None
    amends: str | None

    @property
    def lines(self) -> list[InvoiceLine]:
        """The invoice lines that the call is on; none before its period is invoiced."""
        return [each.line for each in self.charges if each.line]


def get_call(*, customer: Customer, key: str) -> Call:
    """Return a customer's call by its idempotency key.

    :raises UsageEvent.DoesNotExist: if no priced call of the customer has this key.
    """
    event = get_event(customer=customer, key=key)
    versions = RateCardVersion.objects.select_related("rate_card")
    correction = find_correction(customer_id=customer.pk, event_id=event.pk)
    amended = find_amendment(customer_id=customer.pk, event_id=event.pk)
    return Call(
        event=event,
        version=versions.get(pk=event.version_id),
        charges=_explain(list_charges(event)),
        entries=list_run(
            wallet_id=customer.wallet_id,
            first=event.first_entry,
            last=event.last_entry,
            recorded_at=event.recorded_at,
        ),
        taken_back=_take_back(event, customer, correction) if correction else None,
        amends=get_key(event_id=amended.event_id) if amended else None,
    )


def _take_back(
    event: UsageEvent, customer: Customer, correction: Correction
) -> TakenBack:
    replacement_id = correction.replacement_id
    wallet_id = customer.wallet_id
    return TakenBack(
        correction=correction,
        charges=_explain(list_charges(event, correction=correction)),
        entries=list_correction_entries(correction, wallet_id=wallet_id),
        replacement=get_key(event_id=replacement_id) if replacement_id else None,
    )


def _explain(charges: list[Charge]) -> list[ExplainedCharge]:
    lines = _find_lines(charges)
    return [ExplainedCharge(each, lines.get(_price_of(each))) for each in charges]


_Price = tuple[object, ...]


def _price_of(row: Charge | InvoiceLine) -> _Price:
    """Return what a charge shares with its line."""
    return row.rate_id, row.band_id, row.tier, row.discount, row.corrects


def _find_lines(charges: Iterable[Charge]) -> dict[_Price, InvoiceLine]:
    """Return the lines of one call's charges in one period, by their price."""
    first = next(iter(charges), None)
    if first is None:
        return {}
    lines = InvoiceLine.objects.filter(
        invoice__customer=first.customer_id,
        invoice__period_start=first.period_start,
        kind__in=CALL_LINES,
        model=first.model,
        rate__in={charge.rate_id for charge in charges},
    ).exclude(invoice__status__in=(Status.DRAFT, Status.VOID))
    found = lines.select_related("invoice")
    return {_price_of(line): line for line in found}
