"""Own the prices that a catalogue does not state and that its own rules imply."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from billing.pricing.catalogue_fields import BATCH, SERVICE_CLASS, LeftOut, Price
from billing.pricing.conditions import LOWER_BOUNDS

_OUTPUT: Final = "output_tokens"
_REASONING: Final = "reasoning_tokens"


def complete(stated: list[Price]) -> tuple[list[Price], list[LeftOut]]:
    """Return the prices with those that they imply, and what is to be said of these."""
    prices = stated
    # The output's prices come first, since reasoning follows them.
    for rule in (_combined, _reasoning, _combined, _images):
        prices = _with_new(prices, rule)
    implied = prices[len(stated) :]
    return prices, [_note(each) for each in implied if SERVICE_CLASS in each.when]


def key_of(price: Price) -> tuple[object, ...]:
    """Return what tells a price from all others of a model."""
    return price.dimension, *sorted(price.when.items())


def _with_new(
    prices: list[Price], rule: Callable[[list[Price]], Iterator[Price]]
) -> list[Price]:
    """Return the prices, and those that a rule implies where there are none."""
    known = {key_of(each) for each in prices}
    return prices + [each for each in rule(prices) if key_of(each) not in known]


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


def _reasoning(prices: list[Price]) -> Iterator[Price]:
    """Yield what reasoning costs a class of service that has a price of output alone.

    The usual price of reasoning is for those who pay the usual price of output.
    """
    if any(each.dimension == _REASONING for each in prices):
        for each in prices:
            if each.dimension == _OUTPUT and SERVICE_CLASS in each.when:
                yield replace(each, dimension=_REASONING)


def _images(prices: list[Price]) -> Iterator[Price]:
    """Yield the output's prices of a model that makes nothing but images."""
    if not any(each.dimension == _OUTPUT for each in prices):
        for each in prices:
            if each.dimension == "image_output_tokens":
                yield replace(each, dimension=_OUTPUT)


def _note(price: Price) -> LeftOut:
    """Say that a price is implied, and when it applies."""
    when = " and ".join(f"{name} {'/'.join(each)}" for name, each in price.when.items())
    problem = f"has an implied price where none is stated: {price.price:f} for {when}"
    return LeftOut(price.dimension, problem)


def _is_bound(price: Price) -> bool:
    """Tell whether a price depends on the context alone."""
    return len(price.when) == 1 and not price.when.keys().isdisjoint(LOWER_BOUNDS)


def _is_class(price: Price, dimension: str) -> bool:
    """Tell whether a price of a dimension depends on the class of service alone."""
    return price.dimension == dimension and price.when.keys() == {SERVICE_CLASS}
