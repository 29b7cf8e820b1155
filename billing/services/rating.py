"""Pricing the events of a batch; what has no price goes to quarantine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.models import QuarantinedEvent
from billing.periods import Period
from billing.pricing.period_prices import Used
from billing.pricing.rating import ChargeLine, UnratableError, rate_event
from billing.queries.period_usage import PeriodKey, read_used
from billing.queries.price_book import PriceBook, Prices, require_prices
from billing.services.events import Item, Outcome, Status
from billing.services.locking import LockedBooks
from ledger.money import total


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An event with its charges, priced by one version of a card.

    `waived` says why it costs nothing, where it does.
    """

    item: Item
    model: str
    period: Period
    version_id: int
    charges: tuple[ChargeLine, ...]
    amount: Decimal
    waived: str


@dataclass(frozen=True, slots=True)
class UnpricedItem:
    """An event that no card prices, and why."""

    item: Item
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Case:
    """An event with what it may be priced by, before it is."""

    item: Item
    model: str
    period: Period
    prices: Prices | None

    @property
    def key(self) -> PeriodKey | None:
        """The period whose usage its price depends on, if it does."""
        if self.prices is None or not self.prices.card.has_period_prices:
            return None
        card_id = self.prices.rate_card_id
        return PeriodKey(self.item.account.id, self.period.start, card_id)


def price_items(
    items: Iterable[Item], prices: PriceBook, books: LockedBooks
) -> tuple[list[PricedItem], list[UnpricedItem]]:
    """Price each event on the version in force when it happened."""
    cases = [_open_case(item, prices, books) for item in items]
    used = read_used({key for case in cases if (key := case.key)})
    priced: list[PricedItem] = []
    unpriced: list[UnpricedItem] = []
    for case in cases:
        try:
            priced.append(_price(case, used[case.key] if case.key else None))
        except UnratableError as error:
            unpriced.append(UnpricedItem(case.item, error.reason, error.detail))
    return priced, unpriced


def _open_case(item: Item, prices: PriceBook, books: LockedBooks) -> _Case:
    account, event = item.account, item.event
    model = event.properties.get("model")
    name = model if isinstance(model, str) else ""
    return _Case(
        item,
        name,
        books.period_of(account, event.occurred_at),
        prices.find_prices(
            account.cards_at(event.occurred_at), event.occurred_at, name
        ),
    )


def _price(case: _Case, used: Used | None) -> PricedItem:
    """Price one event.

    :raises UnratableError: if any part of it has no price, or no version was in force.
    """
    item, at = case.item, case.item.event.occurred_at
    prices = require_prices(case.prices, item.account, at)
    terms = item.account.terms_at(at)
    rated = rate_event(
        prices.card, case.model, item.event.properties, at=at, terms=terms, used=used
    )
    return PricedItem(
        item,
        case.model,
        case.period,
        prices.version_id,
        rated.lines,
        total(line.amount for line in rated.lines),
        rated.waived or "",
    )


def store_unpriced(items: Sequence[UnpricedItem]) -> dict[int, Outcome]:
    """Keep events that have no price, to be retried after a new version."""
    QuarantinedEvent.objects.bulk_create(_row(each) for each in items)
    return {each.item.index: _answer(each) for each in items}


def _row(unpriced: UnpricedItem) -> QuarantinedEvent:
    event = unpriced.item.event
    return QuarantinedEvent(
        id=unpriced.item.event_id,
        customer_id=unpriced.item.account.id,
        api_key_id=unpriced.item.api_key_id,
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
