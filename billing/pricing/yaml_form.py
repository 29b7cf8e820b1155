"""Own the written form of a rate card: the seed's YAML, one document for each model.

What a card may hold is for `card` to say, and what YAML may do for `yaml_nodes`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Final

import yaml

from billing.pricing.card import (
    CONTEXT_WINDOW,
    Band,
    Card,
    CardError,
    ModelPrices,
    Rate,
)
from billing.pricing.yaml_nodes import (
    CardSyntaxError,
    Entry,
    Field,
    compose,
    read_entry,
)

__all__ = ["CardSyntaxError", "format_card", "parse_card"]

_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")
_COUNT: Final = re.compile(r"[0-9]{1,40}")
_UNIT: Final = re.compile(r"([0-9]{1,40}) (\S.*)")
_PRICE_KEY: Final = re.compile(r"price_([a-z]{3})")
_PLAIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9._/@+:-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class _Document:
    """Hold one model as read, and the fields that the whole card must agree on."""

    prices: ModelPrices
    model: Field
    rate_prices: list[Field]


def parse_card(text: str) -> Card:
    """Read a card of one or more models; decimals keep the digits as written.

    :raises CardSyntaxError: if the text is not YAML of the seed's form, or what it says
        is no valid card.
    """
    documents = [_read_document(node) for node in compose(text)]
    if not documents:
        raise CardSyntaxError(1, "a card needs at least one model")
    price = _agreed_price_key(documents)
    places = {f"models[{i}]": each.model for i, each in enumerate(documents)}
    with _pointing_to({"currency": price, **places}):
        return Card(_currency(price), tuple(each.prices for each in documents))


def format_card(card: Card) -> str:
    """Write a card so that `parse_card` reads an equal one."""
    price_key = f"price_{card.currency.lower()}"
    documents = (_model_lines(prices, price_key) for prices in card.models)
    return "---\n".join("".join(f"{line}\n" for line in lines) for lines in documents)


def _read_document(node: yaml.Node) -> _Document:
    """Read the prices of one model."""
    fields = read_entry(node).expect("model", "rates")
    entries = fields["rates"].entries()
    rates = [_rate_fields(entry) for entry in entries if not _is_window(entry)]
    tiers = _tiers([entry for entry in entries if _is_window(entry)])
    with _pointing_to(_places(fields, rates, tiers)):
        prices = ModelPrices(
            fields["model"].text(),
            tuple(_read_rate(rate) for rate in rates),
            tuple(_read_band(tier) for tier in tiers),
        )
    return _Document(prices, fields["model"], [rate["price"] for rate in rates])


def _is_window(entry: Entry) -> bool:
    """Tell whether an entry of `rates` is the context window."""
    field = entry.fields.get("dimension")
    return field is not None and field.text() == CONTEXT_WINDOW


def _rate_fields(entry: Entry) -> dict[str, Field]:
    """Return the written field behind each field of a rate."""
    written = (name for name in entry.fields if _PRICE_KEY.fullmatch(name))
    price = next(written, "price_<currency>")
    fields = entry.expect("dimension", "unit", price)
    return {
        "dimension": fields["dimension"],
        "unit": fields["unit"],
        "unit_name": fields["unit"],
        "price": fields[price],
    }


def _tiers(windows: list[Entry]) -> list[dict[str, Field]]:
    """Return the written fields behind each band, from the one window there may be."""
    for window in windows[1:]:
        raise window.fields["dimension"].error("is written twice")
    fields = (window.expect("dimension", "tiers")["tiers"] for window in windows)
    tiers = chain.from_iterable(field.entries() for field in fields)
    return [tier.expect("max_tokens", "multiplier") for tier in tiers]


def _places(
    fields: dict[str, Field],
    rates: list[dict[str, Field]],
    tiers: list[dict[str, Field]],
) -> dict[str, Field]:
    """Return the written field behind each name that a `CardError` may use."""
    places = dict(fields)
    for kind, items in (("rates", rates), ("bands", tiers)):
        for position, item in enumerate(items):
            for name, field in item.items():
                places[f"{kind}[{position}].{name}"] = field
    return places


@contextmanager
def _pointing_to(places: Mapping[str, Field]) -> Iterator[None]:
    """Turn a complaint about the card into one about a line of its text."""
    try:
        yield
    except CardError as error:
        raise places[error.field].error(error.problem) from error


def _read_rate(fields: dict[str, Field]) -> Rate:
    """Read one rate, whose unit holds a number and a name."""
    unit = _UNIT.fullmatch(fields["unit"].text())
    if unit is None:
        raise fields["unit"].error("must be a number and a name, such as 1000 tokens")
    return Rate(
        dimension=fields["dimension"].text(),
        unit=int(unit[1]),
        unit_name=unit[2],
        price=_read_decimal(fields["price"]),
    )


def _read_band(fields: dict[str, Field]) -> Band:
    """Read one tier of the context window."""
    tokens = fields["max_tokens"].text()
    if not _COUNT.fullmatch(tokens):
        raise fields["max_tokens"].error("must be a whole number")
    return Band(int(tokens), _read_decimal(fields["multiplier"]))


def _read_decimal(field: Field) -> Decimal:
    """Read a decimal straight from its text."""
    text = field.text()
    if not _DECIMAL.fullmatch(text):
        raise field.error("must be a decimal number")
    return Decimal(text)


def _agreed_price_key(documents: list[_Document]) -> Field:
    """Return the first price of the card, once all others are in its currency."""
    first, *others = chain.from_iterable(each.rate_prices for each in documents)
    for price in others:
        if price.name != first.name:
            raise price.error(f"must be {first.name}: a card has one currency")
    return first


def _currency(price: Field) -> str:
    """Return the currency that a key such as `price_usd` names."""
    return price.name.removeprefix("price_").upper()


def _model_lines(prices: ModelPrices, price_key: str) -> Iterator[str]:
    """Yield the lines of one model's document."""
    yield f"model: {_scalar(prices.model)}"
    yield "rates:"
    for rate in prices.rates:
        yield f"  - dimension: {rate.dimension}"
        yield f"    unit: {rate.unit} {rate.unit_name}"
        yield f"    {price_key}: {rate.price:f}"
    if prices.bands:
        yield f"  - dimension: {CONTEXT_WINDOW}"
        yield "    tiers:"
    for band in prices.bands:
        yield f"      - max_tokens: {band.max_tokens}"
        yield f"        multiplier: {band.multiplier:f}"


def _scalar(name: str) -> str:
    """Write a name bare where YAML reads it back, and else in double quotes."""
    plain = _PLAIN.fullmatch(name)
    return name if plain else json.dumps(name, ensure_ascii=False)
