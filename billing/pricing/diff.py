"""Own what differs between two cards, in words for people.

What is compared is what calls cost. An order that means nothing, and a zero at the end
of a price, are no difference.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import partial
from itertools import chain
from textwrap import dedent, indent
from typing import Final, NamedTuple

from billing.pricing.card import Band, Card, ModelPrices, Rate
from billing.pricing.conditions import ALWAYS, When
from billing.pricing.dimensions import MINIMUM
from billing.pricing.yaml_writing import format_card
from ledger.money import as_text, format_exact, format_quantity

# The lines of a card of one rate that say no more than which rate it is.
_HEADING_LINES: Final = 3
_PERCENT_DECIMALS: Final = 2


class Kind(StrEnum):
    """Say what became of a price."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """Hold one difference: a price of a model, or a model with all its prices.

    `what` is a dimension, "minimum", "context" and its bounds, or "model". `before` and
    `after` may have several lines, and none where there is nothing. `percent` is there
    if nothing but a number changed.
    """

    model: str
    what: str
    before: str
    after: str
    when: str = ""
    percent: str = ""

    @property
    def kind(self) -> Kind:
        """Return whether the price is new, gone, or another one."""
        if not self.before:
            return Kind.ADDED
        return Kind.CHANGED if self.after else Kind.REMOVED

    @property
    def subject(self) -> str:
        """Return what changed, with the calls that it is for."""
        return f"{self.what} ({self.when})" if self.when else self.what


class _Price(NamedTuple):
    """Hold one price of a model, as it is compared and as it is shown.

    A percentage is told between two amounts whose `basis`, all that is no amount, is
    the same. Of most prices the text is never wanted: they did not change.
    """

    what: str
    when: str
    text: Callable[[], str]
    value: object
    amount: Fraction
    basis: object


_Prices = Mapping[Hashable, _Price]


def diff_cards(before: Card, after: Card) -> tuple[Change, ...]:
    """Return what differs, model by model; of cards with equal prices there is none."""
    changes = [] if before.currency == after.currency else [_currency(before, after)]
    old, new = _by_model(before), _by_model(after)
    for model in {**new, **old}:
        changes += _model_changes(model, old.get(model, {}), new.get(model, {}))
    return tuple(changes)


def describe_prices(prices: ModelPrices, currency: str) -> tuple[Change, ...]:
    """Return all prices of a model as a card that had none would get them."""
    listed = _prices(prices, currency).values()
    return tuple(_price_change(prices.model, None, price) for price in listed)


def describe_when(when: When) -> str:
    """Return conditions on one line, such as "region: eu or us, hours: 22:00-04:00"."""
    return ", ".join(f"{name}: {' or '.join(texts)}" for name, texts in when.conditions)


def _currency(before: Card, after: Card) -> Change:
    """Return the change of the currency, which is that of every price."""
    return Change("card", "currency", before.currency, after.currency)


def _by_model(card: Card) -> dict[str, _Prices]:
    """Return all prices of a card."""
    return {prices.model: _prices(prices, card.currency) for prices in card.models}


def _prices(prices: ModelPrices, currency: str) -> _Prices:
    """Return the prices of a model by what tells them apart."""
    least = prices.minimum
    return dict(
        chain(
            (_rate(rate, currency) for rate in prices.rates),
            [((MINIMUM,), _minimum(least.price, currency))] if least else [],
            (_band(band) for band in prices.bands),
        )
    )


def _rate(rate: Rate, currency: str) -> tuple[Hashable, _Price]:
    """Return a rate as a price, whose conditions may stand in any order."""
    conditions = frozenset((name, frozenset(t)) for name, t in rate.when.conditions)
    value = replace(rate, when=ALWAYS)
    basis = currency, replace(value, unit=1, unit_name="", price=Decimal(0))
    amount = Fraction(rate.price) / rate.unit
    when, text = describe_when(rate.when), partial(_rate_text, value, currency)
    price = _Price(rate.dimension, when, text, value, amount, basis)
    return (rate.dimension, conditions), price


def _minimum(least: Decimal, currency: str) -> _Price:
    """Return the least that a call costs as a price."""
    text = f"{format_exact(least, currency)} per call"
    return _Price(MINIMUM, "", lambda: text, least, Fraction(least), currency)


def _band(band: Band) -> tuple[Hashable, _Price]:
    """Return a context band as a price."""
    text = f"× {as_text(band.multiplier)}"
    what = f"context {_bounds(band)}"
    price = _Price(
        what, "", lambda: text, band.multiplier, Fraction(band.multiplier), None
    )
    return (band.max_tokens, band.below_tokens), price


def _bounds(band: Band) -> str:
    """Return which contexts a band holds."""
    if band.max_tokens is not None:
        return f"up to {band.max_tokens:,} tokens"
    if band.below_tokens is not None:
        return f"below {band.below_tokens:,} tokens"
    return "of any more tokens"


def _rate_text(rate: Rate, currency: str) -> str:
    """Return a price per unit in words, and any other as the lines of its YAML."""
    units = rate.unit_name if rate.unit == 1 else f"{rate.unit:,} {rate.unit_name}"
    if rate == Rate(rate.dimension, rate.unit, rate.unit_name, rate.price):
        return f"{format_exact(rate.price, currency)} per {units}"
    alone = format_card(Card(currency, (ModelPrices("model", (rate,)),)))
    lines = alone.splitlines()[_HEADING_LINES:]
    return dedent("\n".join(lines))


def _model_changes(model: str, before: _Prices, after: _Prices) -> Iterator[Change]:
    """Yield what differs of one model, whose prices may all be new or gone."""
    if not before or not after:
        yield Change(model, "model", _listing(before), _listing(after))
        return
    for key in {**after, **before}:
        old, new = before.get(key), after.get(key)
        if old is None or new is None or old.value != new.value:
            yield _price_change(model, old, new)


def _listing(prices: _Prices) -> str:
    """Return all prices of a model, each on its own lines."""
    changes = [_price_change("", None, price) for price in prices.values()]
    return "\n".join(f"{each.subject}:{_set_apart(each.after)}" for each in changes)


def _set_apart(text: str) -> str:
    """Return what stands behind a colon: one line there, more of them below."""
    return "\n" + indent(text, "  ") if "\n" in text else f" {text}"


def _price_change(model: str, before: _Price | None, after: _Price | None) -> Change:
    """Return the difference of two prices, one of which there may not be."""
    old, new = (price.text() if price else "" for price in (before, after))
    either = after or before
    assert either  # noqa: S101 - Keys come from one of the two.
    percent = _percent(before, after) if before and after else ""
    return Change(model, either.what, old, new, either.when, percent)


def _percent(before: _Price, after: _Price) -> str:
    """Return how much more a price is, such as "+20%" or "≈ -33.33%", if that helps."""
    if before.basis != after.basis or not before.amount:
        return ""
    exact = (after.amount / before.amount - 1) * 100
    rounded = round(exact * 10**_PERCENT_DECIMALS)
    if not rounded:
        return "under 0.01%" if exact else "0%"
    sign = "-" if rounded < 0 else "+"
    number = format_quantity(Decimal(abs(rounded)).scaleb(-_PERCENT_DECIMALS))
    about = "" if exact * 10**_PERCENT_DECIMALS == rounded else "≈ "
    return f"{about}{sign}{number}%"
