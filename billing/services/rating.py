"""Pricing the events of a batch; what has no price goes to quarantine."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from billing.models import QuarantinedEvent
from billing.pricing.rating import ChargeLine, Reason, UnratableError, rate_usage
from billing.services.events import Item, Outcome, Status
from billing.services.price_book import PriceBook, compiled_version
from ledger.money import total


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An event with its charges, priced by one version of a card."""

    item: Item
    model: str
    version_id: int
    charges: tuple[ChargeLine, ...]
    amount: Decimal


@dataclass(frozen=True, slots=True)
class UnpricedItem:
    """An event that no card prices, and why."""

    item: Item
    reason: str
    detail: str


def price_items(
    items: Iterable[Item], prices: PriceBook
) -> tuple[list[PricedItem], list[UnpricedItem]]:
    """Price each event on the version in force when it happened."""
    priced: list[PricedItem] = []
    unpriced: list[UnpricedItem] = []
    for item in items:
        try:
            priced.append(price_item(item, prices))
        except UnratableError as error:
            unpriced.append(UnpricedItem(item, error.reason, error.detail))
    return priced, unpriced


def price_item(item: Item, prices: PriceBook) -> PricedItem:
    """Price one event.

    :raises UnratableError: if any part of it has no price, or no version was in force.
    """
    event = item.event
    version_id = prices.get_version(item.account.rate_card_id, event.occurred_at)
    model = event.properties.get("model")
    name = model if isinstance(model, str) else ""
    card = compiled_version(version_id)
    if card.currency != item.account.currency:
        detail = f"The prices are in {card.currency}, not {item.account.currency}."
        raise UnratableError(Reason.OTHER_CURRENCY, detail)
    charges = rate_usage(card, name, event.properties, event.occurred_at)
    amount = total(charge.amount for charge in charges)
    return PricedItem(item, name, version_id, charges, amount)


def store_unpriced(items: Iterable[UnpricedItem]) -> dict[int, Outcome]:
    """Keep events that have no price, to be retried after a new version."""
    unpriced = list(items)
    QuarantinedEvent.objects.bulk_create(_row(each) for each in unpriced)
    return {each.item.index: _answer(each) for each in unpriced}


def _row(unpriced: UnpricedItem) -> QuarantinedEvent:
    event = unpriced.item.event
    return QuarantinedEvent(
        id=unpriced.item.event_id,
        customer_id=unpriced.item.account.id,
        idempotency_key=event.idempotency_key,
        event_name=event.event_name,
        occurred_at=event.occurred_at,
        properties=event.properties,
        reason=unpriced.reason,
        detail=unpriced.detail,
    )


def _answer(unpriced: UnpricedItem) -> Outcome:
    return Outcome(
        status=Status.QUARANTINED,
        idempotency_key=unpriced.item.event.idempotency_key,
        code=unpriced.reason,
        detail=unpriced.detail,
    )
