"""Own the written form of a rate card: the seed's YAML, one document for each model.

What a card may hold is for `card` to say, and what YAML may do for `yaml_nodes`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Final

import yaml

from billing.pricing.card import (
    CONTEXT_WINDOW,
    Band,
    Card,
    CardError,
    Minimum,
    ModelPrices,
    Rate,
)
from billing.pricing.conditions import ALWAYS, ConditionError, When, read_when
from billing.pricing.yaml_nodes import (
    CardSyntaxError,
    Entry,
    Field,
    compose,
    read_entry,
)
from billing.pricing.yaml_periods import (
    PERIOD_FIELDS,
    amount_fields,
    find_bounds,
    read_decimal,
    read_period,
    tier_places,
)
from billing.pricing.yaml_writing import format_card

__all__ = ["CardSyntaxError", "format_card", "parse_card"]

_COUNT: Final = re.compile(r"[0-9]{1,40}")
_UNIT: Final = re.compile(r"([0-9]{1,40}) (\S.*)")
_PRICE_KEY: Final = re.compile(r"price_[a-z]{3}")
# What a complaint calls another rate than its own.
_OTHER: Final = re.compile(r"\brates\[[0-9]+\]")
_MINIMUM_KEY: Final = re.compile(r"minimum_[a-z]{3}")
_MORE: Final = frozenset({"when", *PERIOD_FIELDS})


@dataclass(frozen=True, slots=True)
class _Document:
    """Hold one model as read, and the fields that the whole card must agree on."""

    prices: ModelPrices
    model: Field
    amounts: list[Field]


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


def _read_document(node: yaml.Node) -> _Document:
    """Read the prices of one model."""
    entry = read_entry(node)
    minimum = _first(entry, _MINIMUM_KEY)
    fields = entry.expect("model", "rates", optional={minimum})
    entries = fields["rates"].entries()
    rates = [_rate_fields(entry) for entry in entries if not _is_window(entry)]
    tiers = _tiers([entry for entry in entries if _is_window(entry)])
    least = fields.get(minimum)
    with _pointing_to(_places(fields, rates, tiers)):
        prices = ModelPrices(
            fields["model"].text(),
            tuple(_read_rate(rate) for rate in rates),
            tuple(_read_band(tier) for tier in tiers),
            Minimum(read_decimal(least)) if least else None,
        )
    amounts = list(chain.from_iterable(map(amount_fields, rates)))
    return _Document(prices, fields["model"], amounts + ([least] if least else []))


def _first(entry: Entry, key: re.Pattern[str], otherwise: str = "") -> str:
    """Return the first name of a kind that an entry has."""
    return next((name for name in entry.fields if key.fullmatch(name)), otherwise)


def _is_window(entry: Entry) -> bool:
    """Tell whether an entry of `rates` is the context window."""
    field = entry.fields.get("dimension")
    return field is not None and field.text() == CONTEXT_WINDOW


def _rate_fields(entry: Entry) -> dict[str, Field]:
    """Return the written field behind each field of a rate."""
    price = _first(entry, _PRICE_KEY, "price_<currency>")
    bounds = find_bounds(entry)
    more = {*_MORE, *(field.name for field in bounds.values())}
    if "tiers" in entry.fields:
        fields = entry.expect("dimension", "unit", "per_period", "tiers", optional=more)
        written = {"price": fields["tiers"]}
    else:
        fields = entry.expect("dimension", "unit", price, optional=more)
        written = {"price": fields[price]}
    return {
        "dimension": fields["dimension"],
        "unit": fields["unit"],
        "unit_name": fields["unit"],
        "when": fields.get("when", fields["dimension"]),
        **{name: fields[name] for name in PERIOD_FIELDS if name in fields},
        **bounds,
        **written,
    }


def _tiers(windows: list[Entry]) -> list[dict[str, Field]]:
    """Return the written fields behind each band, from the one window there may be."""
    for window in windows[1:]:
        raise window.fields["dimension"].error("is written twice")
    fields = (window.expect("dimension", "tiers")["tiers"] for window in windows)
    tiers = chain.from_iterable(field.entries() for field in fields)
    bounds = {"max_tokens", "below_tokens"}
    return [tier.expect("multiplier", optional=bounds) for tier in tiers]


def _places(
    fields: dict[str, Field],
    rates: list[dict[str, Field]],
    tiers: list[dict[str, Field]],
) -> dict[str, Field]:
    """Return the written field behind each name that a `CardError` may use."""
    places = {name.partition("_")[0]: field for name, field in fields.items()}
    for kind, items in (("rates", rates), ("bands", tiers)):
        for position, item in enumerate(items):
            for name, field in item.items():
                places[f"{kind}[{position}].{name}"] = field
            for name, field in tier_places(item).items():
                places[f"{kind}[{position}].{name}"] = field
    return places


@contextmanager
def _pointing_to(places: Mapping[str, Field]) -> Iterator[None]:
    """Turn a complaint about the card into one about a line of its text."""
    try:
        yield
    except CardError as error:
        problem = _OTHER.sub(lambda other: _line(places, other[0]), error.problem)
        raise places[error.field].error(problem) from error


def _line(places: Mapping[str, Field], rate: str) -> str:
    """Return the name of a rate by its line."""
    field = places[f"{rate}.dimension"]
    return f"the rate on line {field.line}"


def _read_rate(fields: dict[str, Field]) -> Rate:
    """Read one rate, whose unit holds a number and a name."""
    unit = _UNIT.fullmatch(fields["unit"].text())
    if unit is None:
        raise fields["unit"].error("must be a number and a name, such as 1000 tokens")
    period = read_period(fields)
    return Rate(
        dimension=fields["dimension"].text(),
        unit=int(unit[1]),
        unit_name=unit[2],
        price=period.tiers[0].unit_price if period else read_decimal(fields["price"]),
        when=_read_when(fields["when"]),
        period=period,
    )


def _read_when(field: Field) -> When:
    """Read the conditions of a rate, if it has any."""
    if field.name != "when":
        return ALWAYS
    written = read_entry(field.node).fields
    try:
        return read_when({name: each.texts() for name, each in written.items()})
    except ConditionError as error:
        raise written[error.name].error(error.problem) from error


def _read_band(fields: dict[str, Field]) -> Band:
    """Read one tier of the context window."""
    return Band(
        max_tokens=_read_count(fields.get("max_tokens")),
        multiplier=read_decimal(fields["multiplier"]),
        below_tokens=_read_count(fields.get("below_tokens")),
    )


def _read_count(field: Field | None) -> int | None:
    """Read a whole number, if it is there."""
    if field is None:
        return None
    if not _COUNT.fullmatch(field.text()):
        raise field.error("must be a whole number")
    return int(field.text())


def _agreed_price_key(documents: list[_Document]) -> Field:
    """Return the first price of the card, once all others are in its currency."""
    first, *others = chain.from_iterable(each.amounts for each in documents)
    currency = _currency(first)
    for other in others:
        if _currency(other) != currency:
            kind = other.name.rpartition("_")[0]
            expected = f"{kind}_{currency.lower()}"
            raise other.error(f"must be {expected}: a card has one currency")
    return first


def _currency(amount: Field) -> str:
    """Return the currency that a key such as `price_usd` names."""
    return amount.name.rpartition("_")[2].upper()
