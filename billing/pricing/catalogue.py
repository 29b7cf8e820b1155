"""Own the way from a public catalogue of AI prices to a rate card.

The catalogue is LiteLLM's, as its own JSON or as a list of models with a provider, in
US dollars. Read its JSON with decimals: a float has lost what was written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from billing.pricing.card import Card, ModelPrices, Rate
from billing.pricing.catalogue_fields import (
    BATCH,
    SERVICE_CLASS,
    TOKENS,
    LeftOut,
    Price,
    Region,
    read_prices,
    read_regions,
)
from billing.pricing.checks import PRICE_DECIMALS, CardError
from billing.pricing.conditions import LOWER_BOUNDS, ConditionError, read_when
from billing.pricing.dimensions import FALLBACKS
from ledger.money import WIDE

_ORDER: Final = {name: position for position, name in enumerate(FALLBACKS)}
_QUANTUM: Final = Decimal(1).scaleb(-PRICE_DECIMALS)


class Unimported(NamedTuple):
    """Say what of a model is not on the card, or not as the catalogue has it."""

    model: str
    field: str
    problem: str


class Catalogue(NamedTuple):
    """Hold the card made of a catalogue, and all that it leaves out or changes."""

    card: Card
    unimported: tuple[Unimported, ...]


def card_from_catalogue(
    data: Mapping[str, object], *, markup: Decimal, currency: str
) -> Catalogue:
    """Make a card of a catalogue, every price multiplied by `markup`.

    The markup also changes dollars into another currency. Prices keep 12 decimals for
    their unit, a million tokens; one that needs more is rounded, and said to be.

    :raises CardError: if no model can be priced, or the currency is unknown.
    """
    models: list[ModelPrices] = []
    unimported: list[Unimported] = []
    for name, provider, fields in _entries(data):
        prices, left_out = _model(name, provider, fields, markup)
        models += prices
        unimported += [Unimported(name, *each) for each in left_out]
    return Catalogue(Card(currency, tuple(models)), tuple(unimported))


def _entries(
    data: Mapping[str, object],
) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Yield the name, the provider and the fields of each model."""
    listed = data.get("models")
    if isinstance(listed, list):
        for each in listed:
            yield (
                str(each["model"]),
                str(each["provider"]),
                each["litellm_usd_per_unit"],
            )
        return
    for name, fields in data.items():
        if isinstance(fields, Mapping) and name != "sample_spec":
            yield name, str(fields.get("litellm_provider", "")), fields


def _model(
    name: str, provider: str, fields: Mapping[str, object], markup: Decimal
) -> tuple[list[ModelPrices], list[LeftOut]]:
    """Return the prices of one model, if it has any, and what they leave out."""
    read = [*read_prices(fields, provider), *read_regions(fields)]
    left_out = [each for each in read if isinstance(each, LeftOut)]
    prices, doubled = _without_doubles(each for each in read if isinstance(each, Price))
    regions = [each for each in read if isinstance(each, Region)]
    priced = _with_regions([*_completed(prices)], regions)
    left_out += doubled
    try:
        rates = tuple(_rate(each, markup) for each in sorted(priced, key=_place))
        left_out += [_rounding(each) for each in priced if _is_rounded(each, markup)]
        return [ModelPrices(name, rates)], left_out
    except (CardError, ConditionError) as error:
        return [], [*left_out, LeftOut("model", f"has no valid prices: {error}")]


def _without_doubles(prices: Iterable[Price]) -> tuple[list[Price], list[LeftOut]]:
    """Return one price for each dimension and condition, and the others."""
    kept: dict[tuple[object, ...], Price] = {}
    left_out = []
    for each in prices:
        first = kept.setdefault(_key(each), each)
        if first.price != each.price:
            problem = f"has another price already: {each.price} is not used"
            left_out.append(LeftOut(each.dimension, problem))
    if ("images",) in kept and ("image_output_tokens",) in kept:
        del kept["images",]
        problem = "are left out: their tokens have a price, and both would be charged"
        left_out.append(LeftOut("images", problem))
    return list(kept.values()), left_out


def _completed(prices: list[Price]) -> Iterator[Price]:
    """Yield the prices and those that only the catalogue's rules imply."""
    yield from prices
    stated = {_key(each) for each in prices}
    yield from (each for each in _combined(prices) if _key(each) not in stated)
    # The output of a model that makes nothing but images is images.
    if not any(each.dimension == "output_tokens" for each in prices):
        for each in prices:
            if each.dimension == "image_output_tokens":
                yield replace(each, dimension="output_tokens")


def _combined(prices: list[Price]) -> Iterator[Price]:
    """Yield what each class of service pays above each threshold.

    Where the catalogue does not say, it is the usual price there, and for a batch its
    own.
    """
    for bound in filter(_is_bound, prices):
        for other in prices:
            if _is_class(other, bound.dimension):
                is_batch = other.when[SERVICE_CLASS] == (BATCH,)
                when = {**bound.when, **other.when}
                yield replace(other if is_batch else bound, when=when)


def _key(price: Price) -> tuple[object, ...]:
    """Return what tells a price from all others of a model."""
    return price.dimension, *sorted(price.when.items())


def _is_bound(price: Price) -> bool:
    """Tell whether a price depends on the context alone."""
    return len(price.when) == 1 and not price.when.keys().isdisjoint(LOWER_BOUNDS)


def _is_class(price: Price, dimension: str) -> bool:
    """Tell whether a price of a dimension depends on the class of service alone."""
    return price.dimension == dimension and price.when.keys() == {SERVICE_CLASS}


def _with_regions(prices: list[Price], regions: Iterable[Region]) -> list[Price]:
    """Return the prices, and those of tokens again for each multiplier.

    Values of one property with the same multiplier share a price; the multipliers of
    two properties multiply each other.
    """
    values: dict[tuple[str, Decimal], tuple[str, ...]] = {}
    for name, text, factor in regions:
        values[name, factor] = (*values.get((name, factor), ()), text)
    for name in sorted({name for name, _ in values}):
        prices = prices + [
            replace(
                each,
                price=WIDE.multiply(each.price, factor),
                when={**each.when, name: texts},
            )
            for each in prices
            if each.unit == TOKENS
            for (other, factor), texts in values.items()
            if other == name
        ]
    return prices


def _place(price: Price) -> tuple[int, str]:
    """Return where a price stands on the card: tokens first, as their parts do."""
    return _ORDER.get(price.dimension, len(_ORDER)), price.dimension


def _rate(price: Price, markup: Decimal) -> Rate:
    """Return a price as a rate, rounded to the decimals that it may have."""
    unit, unit_name = price.unit
    exact = _per_unit(price, markup)
    rounded = exact.quantize(_QUANTUM, ROUND_HALF_EVEN, WIDE)
    shortest = Decimal(f"{rounded.normalize():f}")
    return Rate(price.dimension, unit, unit_name, shortest, read_when(price.when))


def _per_unit(price: Price, markup: Decimal) -> Decimal:
    """Return what a unit costs, exactly."""
    return WIDE.multiply(WIDE.multiply(price.price, markup), Decimal(price.unit[0]))


def _is_rounded(price: Price, markup: Decimal) -> bool:
    """Tell whether a price needs more decimals than it may have."""
    exact = _per_unit(price, markup)
    return exact != exact.quantize(_QUANTUM, ROUND_HALF_EVEN, WIDE)


def _rounding(price: Price) -> LeftOut:
    """Say that a price is rounded."""
    problem = f"is rounded to {PRICE_DECIMALS} decimals for its unit: {price.price}"
    return LeftOut(price.dimension, problem)
