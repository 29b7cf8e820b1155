"""Own the price of one event: its quantities on one version of a card, exactly.

A card is compiled once and then only looked up. An event that cannot be priced in full
is refused with the reason; nothing is ever priced at zero in silence.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Final, NamedTuple

from billing.pricing.charges import ChargeLine, charge, charge_up_to
from billing.pricing.compiled import (
    CompiledCard,
    CompiledModel,
    CompiledRate,
    Rates,
    compile_card,
)
from billing.pricing.conditions import MAX_NAME
from billing.pricing.dimensions import REQUESTS, context_tokens, is_dimension
from billing.pricing.discounts import FULL_PRICE, Discounts
from billing.pricing.failures import FAILED_CALL, has_failed
from billing.pricing.period_charges import charge_in_period
from billing.pricing.period_prices import Used
from billing.pricing.quantities import Reason, UnratableError, read_quantity
from billing.pricing.usage import read_usage
from ledger.money import ZERO

__all__ = [
    "ChargeLine",
    "CompiledCard",
    "Match",
    "Rated",
    "Reason",
    "Terms",
    "UnratableError",
    "compile_card",
    "get_model",
    "match_rates",
    "rate_event",
    "rate_usage",
    "read_quantity",
]

_ONE: Final = Decimal(1)
_ORDER: Final = itemgetter(0, 1, 2)

# The rate's rank, whether it is another dimension's, the quantity's name, the rate and
# the quantity.
Match = tuple[int, bool, str, CompiledRate, Decimal]


class Terms(NamedTuple):
    """Hold what a customer agreed to beside the card."""

    discounts: Discounts = FULL_PRICE
    waives_failed_calls: bool = False


class Rated(NamedTuple):
    """What an event costs. `waived` says why it costs nothing, where it does."""

    lines: tuple[ChargeLine, ...]
    waived: str | None = None


def rate_event(
    card: CompiledCard,
    model: str | None,
    properties: Mapping[str, object],
    *,
    at: datetime | None,
    terms: Terms = Terms(),  # noqa: B008 - it cannot be changed.
    used: Used | None = None,
) -> Rated:
    """Price an event on what its customer agreed to.

    `at` is when it happened, for prices by the hour. `used` is what its billing period
    has used, for prices by the period, and counts this event too once it is priced;
    without it the event is a period's first. A failed call without output makes
    no line where the terms waive it, and says so.

    :raises UnratableError: if any part of the event cannot be priced.
    """
    stated = read_usage(properties)
    if terms.waives_failed_calls and has_failed(stated):
        return Rated((), FAILED_CALL)
    prices = get_model(card, model)
    discount = terms.discounts.factor(str(model))
    matches = match_rates(prices, stated, at, model)
    if prices.has_period_prices:
        lines = _charge_by_period(matches, discount, used)
    else:
        lines = [
            charge(name, rate, quantity, discount)
            for *_, name, rate, quantity in matches
        ]
    if prices.minimum:
        lines += charge_up_to(prices.minimum, lines, card.currency)
    return Rated(tuple(lines))


def rate_usage(
    card: CompiledCard,
    model: str | None,
    properties: Mapping[str, object],
    at: datetime | None = None,
) -> tuple[ChargeLine, ...]:
    """Price an event: one line for each priced dimension it states, in card order.

    Properties that are neither on the card nor dimensions are ignored. The context
    chooses one band for the whole event, input and output alike. A dimension of
    quantity 0 or of price 0 makes a line of amount 0. Where the card prices `requests`,
    an event that does not state them is one. A part of the input or the output that
    has no rate of its own costs what `dimensions` says it falls back to.

    :raises UnratableError: if any part of the event cannot be priced.
    """
    return rate_event(card, model, properties, at=at).lines


def get_model(card: CompiledCard, model: str | None) -> CompiledModel:
    """Return the prices of a model: its own, or else the card's default ones.

    :raises UnratableError: if the card has neither, or no model is stated.
    """
    if not model:
        raise UnratableError(Reason.UNKNOWN_MODEL, "No model is stated.")
    if len(model) > MAX_NAME:
        detail = f"A model's name has {MAX_NAME} characters at most."
        raise UnratableError(Reason.UNKNOWN_MODEL, detail)
    prices = card.find_model(model)
    if prices is None:
        detail = f"The card has no model {model!r}."
        raise UnratableError(Reason.UNKNOWN_MODEL, detail)
    return prices


def match_rates(
    prices: CompiledModel,
    stated: Mapping[str, object],
    at: datetime | None,
    model: str | None = None,
) -> list[Match]:
    """Return each quantity that an event states with its rate, in the card's order.

    A part that another rate prices comes behind that rate's own, and only where there
    is some of it. What is stated is as `read_usage` leaves it, and `model` is what the
    event calls the model.

    :raises UnratableError: if some quantity has no rate.
    """
    quantities = _read_quantities(prices, stated)
    context = context_tokens(quantities) if prices.cuts else ZERO
    rates = prices.rates_for(stated, context, at)
    matches: list[Match] = []
    for name, quantity in quantities.items():
        rate = rates.get(name)
        if rate and (quantity or rate.dimension == name):
            is_other = rate.dimension != name
            matches.append((rate.rank, is_other, name, rate, quantity))
        elif quantity:
            raise _unpriced(_name(prices, model), rates, quantities)
    if not matches:
        raise _nothing_priced(prices, _name(prices, model))
    matches.sort(key=_ORDER)
    return matches


def _charge_by_period(
    matches: Sequence[Match], discount: Decimal, used: Used | None
) -> list[ChargeLine]:
    """Return the lines of a call of which some depend on the period."""
    # Nothing of an event that is refused in the end is counted.
    counted = dict(used or {})
    lines: list[ChargeLine] = []
    for *_, name, rate, quantity in matches:
        if rate.period:
            lines += charge_in_period(name, rate, quantity, discount, counted)
        else:
            lines.append(charge(name, rate, quantity, discount))
    if used is not None:
        used.update(counted)
    return lines


def _read_quantities(
    prices: CompiledModel, stated: Mapping[str, object]
) -> dict[str, Decimal]:
    """Return every quantity that the event states."""
    priced = prices.dimensions
    quantities = {
        name: read_quantity(name, value)
        for name, value in stated.items()
        if name in priced or is_dimension(name)
    }
    if REQUESTS in priced:
        quantities.setdefault(REQUESTS, _ONE)
    return quantities


def _name(prices: CompiledModel, model: str | None) -> str:
    """Return how to call a model whose prices may be another name's."""
    if model is None or model == prices.name:
        return prices.name
    return f"{model} (priced as {prices.name})"


def _unpriced(
    model: str, rates: Rates, quantities: Mapping[str, Decimal]
) -> UnratableError:
    """Refuse an event of which a part would be given away."""
    names = [
        name for name, quantity in quantities.items() if quantity and name not in rates
    ]
    detail = f"{model} has no rate for {', '.join(names)}."
    return UnratableError(Reason.UNPRICED_DIMENSION, detail)


def _nothing_priced(prices: CompiledModel, model: str) -> UnratableError:
    """Refuse an event that would be given away as a whole."""
    names = ", ".join(sorted(prices.dimensions))
    detail = f"The event states nothing that {model} has a rate for: {names}."
    return UnratableError(Reason.NO_PRICED_DIMENSION, detail)
