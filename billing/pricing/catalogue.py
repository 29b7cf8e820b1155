"""Own the way from a public catalogue of AI prices to a rate card.

The catalogue is LiteLLM's, as its own JSON or as a list of models with a provider, in
US dollars. Read its JSON with decimals: a float has lost what was written.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import starmap
from typing import Final, NamedTuple, TypeGuard

from billing.pricing.card import Card, ModelPrices, Rate
from billing.pricing.catalogue_fields import (
    TOKENS,
    LeftOut,
    Price,
    Region,
    read_decimal,
    read_prices,
    read_regions,
)
from billing.pricing.catalogue_rules import complete, key_of
from billing.pricing.checks import PRICE_DECIMALS, CardError, require
from billing.pricing.conditions import ConditionError, read_when
from billing.pricing.dimensions import FALLBACKS
from ledger.money import WIDE

_ORDER: Final = {name: position for position, name in enumerate(FALLBACKS)}
_QUANTUM: Final = Decimal(1).scaleb(-PRICE_DECIMALS)

_MISREAD: Final = "has no price but 0 that is understood"

# Enough for any currency, too few to lose a digit of a price.
MAX_MARKUP: Final = 10**6


class Unimported(NamedTuple):
    """Say what of a model is not on the card, or not as the catalogue has it."""

    model: str
    field: str
    problem: str


class Catalogue(NamedTuple):
    """Hold the card made of a catalogue, and all that it leaves out or changes."""

    card: Card
    unimported: tuple[Unimported, ...]


def card_from_catalogue(data: object, *, markup: Decimal, currency: str) -> Catalogue:
    """Make a card of a catalogue, every price multiplied by `markup`.

    The markup also changes dollars into another currency. Prices keep 12 decimals for
    their unit, a million tokens; one that needs more is rounded, and said to be. What
    is no model, or is one for the second time, is left out and said to be, too.

    :raises CardError: if the data is no catalogue, no model can be priced, the markup
        is out of range, or the currency is unknown.
    """
    within = 0 < markup <= MAX_MARKUP
    require(within, "catalogue", "markup", f"must be above 0, up to {MAX_MARKUP}")
    models: dict[str, ModelPrices] = {}
    unimported: list[Unimported] = []
    for entry in _entries(data):
        if entry.name in models:
            problem = "is in the catalogue already"
            unimported.append(Unimported(entry.name, "model", problem))
            continue
        prices, left_out = _model(entry, markup)
        models.update((each.model, each) for each in prices)
        unimported += [Unimported(entry.name, *each) for each in left_out]
    return Catalogue(Card(currency, tuple(models.values())), tuple(unimported))


class _Entry(NamedTuple):
    """Hold one model as the catalogue has it."""

    name: str
    provider: str
    fields: object


def _entries(data: object) -> Iterator[_Entry]:
    """Yield each model of a catalogue, or of what should be one.

    :raises CardError: if it has neither form.
    """
    if not isinstance(data, Mapping):
        raise CardError("catalogue", "file", "must be a JSON object that holds models")
    listed = data.get("models")
    if isinstance(listed, list):
        yield from starmap(_listed, enumerate(listed, start=1))
        return
    for name, fields in data.items():
        if name != "sample_spec":
            provider = fields.get("litellm_provider") if _is_fields(fields) else None
            yield _Entry(str(name), str(provider or ""), fields)


def _listed(position: int, model: object) -> _Entry:
    """Return a model of a list; one without a name is called by its number."""
    fields: Mapping[str, object] = model if _is_fields(model) else {}
    name = fields.get("model")
    return _Entry(
        name if isinstance(name, str) else f"number {position}",
        str(fields.get("provider") or ""),
        fields.get("litellm_usd_per_unit") if isinstance(name, str) else None,
    )


def _is_fields(value: object) -> TypeGuard[Mapping[str, object]]:
    """Tell whether a value of the JSON has fields."""
    return isinstance(value, Mapping)


def _model(entry: _Entry, markup: Decimal) -> tuple[list[ModelPrices], list[LeftOut]]:
    """Return the prices of one model, if it has any, and what they leave out."""
    name, provider, fields = entry
    if not _is_fields(fields):
        return [], [LeftOut("model", "has no name, or no fields with prices")]
    read = [*read_prices(fields, provider), *read_regions(fields)]
    left_out = [each for each in read if isinstance(each, LeftOut)]
    prices, doubled = _without_doubles(each for each in read if isinstance(each, Price))
    regions = [each for each in read if isinstance(each, Region)]
    if _is_misread(prices, left_out, fields):
        return [], [*left_out, LeftOut("model", _MISREAD)]
    completed, implied = complete(prices)
    priced = _with_regions(completed, regions)
    left_out += doubled + implied
    try:
        rates = tuple(_rate(each, markup) for each in sorted(priced, key=_place))
        left_out += [_rounding(each) for each in priced if _is_rounded(each, markup)]
        return [ModelPrices(name, rates)], left_out
    except (CardError, ConditionError) as error:
        return [], [*left_out, LeftOut("model", f"has no valid prices: {error}")]


def _is_misread(
    prices: list[Price], left_out: list[LeftOut], fields: Mapping[str, object]
) -> bool:
    """Tell whether a model looks free because what it costs is not understood."""
    if not prices or any(each.price for each in prices):
        return False
    return any(read_decimal(fields.get(each.field)) != 0 for each in left_out)


def _without_doubles(prices: Iterable[Price]) -> tuple[list[Price], list[LeftOut]]:
    """Return one price for each dimension and condition, and the others.

    It is the first that is not 0: what comes in for nothing may cost when it goes out.
    """
    kept: dict[tuple[object, ...], Price] = {}
    left_out = []
    for each in prices:
        first = kept.setdefault(key_of(each), each)
        if first.price != each.price:
            used, unused = (first, each) if first.price else (each, first)
            kept[key_of(each)] = used
            problem = f"has another price: {unused.price} is not used"
            left_out.append(LeftOut(each.dimension, problem))
    if ("images",) in kept and ("image_output_tokens",) in kept:
        del kept["images",]
        problem = "is left out, since its tokens have a price and both would be charged"
        left_out.append(LeftOut("images", problem))
    return list(kept.values()), left_out


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
