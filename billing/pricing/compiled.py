"""Own a rate card in the shape that rating looks things up in.

Compiling happens once for each version of a card; here is all of pricing's arithmetic
that does not depend on an event. Nothing here reads one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.pricing.card import Band, Card, ModelPrices, Rate
from ledger.money import WIDE

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class CompiledRate:
    """Hold one rate in one band: a quantity costs `quantity * cost / divisor`.

    `divisor` is what is left of the unit without its twos and fives, nearly always 1:
    so the cost of a single token is exact even where a unit is 3 images.
    """

    dimension: str
    rate_id: int | None
    band_id: int | None
    unit: int
    unit_name: str
    unit_price: Decimal
    multiplier: Decimal
    cost: Decimal
    divisor: int


@dataclass(frozen=True, slots=True)
class CompiledBand:
    """Hold the rates, in the card's order, for a context up to `max_tokens`.

    A model without bands has one that never ends.
    """

    max_tokens: int | None
    rates: tuple[CompiledRate, ...]


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """Hold what one model costs, with all that rating needs looked up beforehand."""

    name: str
    dimensions: frozenset[str]
    bands: tuple[CompiledBand, ...]


@dataclass(frozen=True, slots=True)
class CompiledCard:
    """Hold a version of a card, ready to price events; share it between threads."""

    currency: str
    models: Mapping[str, CompiledModel]


def compile_card(card: Card) -> CompiledCard:
    """Work out what does not depend on the event, once for each version of a card."""
    models = {prices.model: _compile_model(prices) for prices in card.models}
    return CompiledCard(card.currency, models)


def _compile_model(prices: ModelPrices) -> CompiledModel:
    """Multiply every rate by every band."""
    dimensions = frozenset(rate.dimension for rate in prices.rates)
    bands = tuple(
        CompiledBand(
            band.max_tokens if band else None,
            tuple(_compile_rate(rate, band) for rate in prices.rates),
        )
        for band in prices.bands or (None,)
    )
    return CompiledModel(prices.model, dimensions, bands)


def _compile_rate(rate: Rate, band: Band | None) -> CompiledRate:
    """Work out the cost of a quantity of one, as far as decimals can hold it."""
    multiplier = band.multiplier if band else _ONE
    divisor = _without_twos_and_fives(rate.unit)
    price = WIDE.multiply(rate.price, multiplier)
    return CompiledRate(
        dimension=rate.dimension,
        rate_id=rate.id,
        band_id=band.id if band else None,
        unit=rate.unit,
        unit_name=rate.unit_name,
        unit_price=rate.price,
        multiplier=multiplier,
        cost=WIDE.divide(price, rate.unit // divisor),
        divisor=divisor,
    )


def _without_twos_and_fives(number: int) -> int:
    """Return the part of a number that no decimal can be divided by exactly."""
    for prime in (2, 5):
        while number % prime == 0:
            number //= prime
    return number
