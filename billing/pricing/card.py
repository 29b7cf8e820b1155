"""Own the rate card as data: what one version charges for each model.

A rate or a band is checked by the model it joins, so that every complaint can name
that model. What a model or a card holds is therefore always valid. Nothing here rates.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Final

from billing.pricing.dimensions import INFORMATIONAL
from ledger.money import UnknownCurrencyError, minor_units

CONTEXT_WINDOW: Final = "context_window"

PRICE_DECIMALS: Final = 12
MULTIPLIER_DECIMALS: Final = 6
MAX_PRICE: Final = Decimal(10**12)
MAX_MULTIPLIER: Final = Decimal(10**6)
MAX_COUNT: Final = 10**12
MAX_NAME: Final = 200

# These properties have a meaning of their own, so none of them can be a quantity.
_RESERVED: Final = INFORMATIONAL | {CONTEXT_WINDOW, "model"}

_DIMENSION: Final = re.compile(r"[a-z][a-z0-9_]*")
_UNIT_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*(?: [a-z0-9][a-z0-9_-]*)*")


class CardError(ValueError):
    """Refuse a card, naming the model and the field, such as `rates[1].price`."""

    def __init__(self, model: str, field: str, problem: str) -> None:
        """Keep the parts, so that a form can put the problem beside its field."""
        super().__init__(f"{model}: {field} {problem}")
        self.model = model
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Band:
    """Multiply every rate of a call whose context is at most `max_tokens` tokens.

    `id` is whatever the caller wants back on a charge; two bands are equal without it.
    """

    max_tokens: int
    multiplier: Decimal
    id: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Rate:
    """Charge `price`, in the card's currency, for each `unit` of a dimension.

    `unit_name` is for people: 1000 "tokens", 1 "image". `id` is whatever the caller
    wants back on a charge; two rates are equal without it.
    """

    dimension: str
    unit: int
    unit_name: str
    price: Decimal
    id: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """Hold what one model costs: its rates, and its context bands if it has any.

    :raises CardError: if a field is out of range, a dimension has two rates, or the
        bands do not ascend.
    """

    model: str
    rates: tuple[Rate, ...]
    bands: tuple[Band, ...] = ()

    def __post_init__(self) -> None:
        """Check the model and everything in it."""
        _check_name(self.model)
        _require(bool(self.rates), self.model, "rates", "must hold at least one rate")
        for position, rate in enumerate(self.rates):
            _check_rate(rate, self.model, f"rates[{position}]")
        _check_dimensions(self)
        for position, band in enumerate(self.bands):
            _check_band(band, self.model, f"bands[{position}]")
        _check_ascending(self)


@dataclass(frozen=True, slots=True)
class Card:
    """Hold the prices of every model, in one currency.

    :raises CardError: if the currency is unknown, or a model is missing or twice here.
    """

    currency: str
    models: tuple[ModelPrices, ...]

    def __post_init__(self) -> None:
        """Check what only the whole card can know."""
        _check_currency(self.currency)
        _require(bool(self.models), "card", "models", "must hold at least one model")
        names = [prices.model for prices in self.models]
        for position in _repeated(names):
            where = f"models[{position}]"
            raise CardError(names[position], where, "is on the card already")


def _check_name(model: str) -> None:
    """Check that a model's name can be read, written and compared."""
    fits = 0 < len(model) <= MAX_NAME and model.isprintable()
    problem = f"must be 1 to {MAX_NAME} printable characters, with no space around them"
    _require(fits and model == model.strip(), model, "model", problem)


def _check_rate(rate: Rate, model: str, where: str) -> None:
    """Check each field of a rate."""
    plain = _DIMENSION.fullmatch(rate.dimension) and len(rate.dimension) <= MAX_NAME
    problem = "must be lower-case letters, digits and underscores"
    _require(bool(plain), model, f"{where}.dimension", problem)
    free = rate.dimension not in _RESERVED
    _require(free, model, f"{where}.dimension", "is a name that has no rate")
    _check_count(rate.unit, model, f"{where}.unit")
    named = _UNIT_NAME.fullmatch(rate.unit_name) and len(rate.unit_name) <= MAX_NAME
    problem = "must be a name in lower case, such as tokens"
    _require(bool(named), model, f"{where}.unit_name", problem)
    _check_price(rate.price, model, f"{where}.price")


def _check_band(band: Band, model: str, where: str) -> None:
    """Check each field of a band."""
    _check_count(band.max_tokens, model, f"{where}.max_tokens")
    where = f"{where}.multiplier"
    _check_decimal(band.multiplier, MULTIPLIER_DECIMALS, model, where)
    _require(band.multiplier > 0, model, where, "must be above zero")
    too_large = f"must be below {MAX_MULTIPLIER}"
    _require(band.multiplier < MAX_MULTIPLIER, model, where, too_large)


def _check_price(price: Decimal, model: str, where: str) -> None:
    """Check a price. Zero is one: a free model is shown as free."""
    _check_decimal(price, PRICE_DECIMALS, model, where)
    _require(not price.is_signed(), model, where, "must not be negative")
    _require(price < MAX_PRICE, model, where, f"must be below {MAX_PRICE}")


def _check_decimal(value: Decimal, decimals: int, model: str, where: str) -> None:
    """Check that a value is finite, and short enough for its column."""
    _require(value.is_finite(), model, where, "must be a finite number")
    exponent = value.as_tuple().exponent
    fits = isinstance(exponent, int) and -exponent <= decimals
    _require(fits, model, where, f"must have at most {decimals} decimal places")


def _check_count(count: int, model: str, where: str) -> None:
    """Check a number of units or tokens."""
    problem = f"must be a whole number from 1 to {MAX_COUNT}"
    _require(1 <= count <= MAX_COUNT, model, where, problem)


def _check_dimensions(prices: ModelPrices) -> None:
    """Check that no dimension has two rates, for a charge needs exactly one."""
    for position in _repeated([rate.dimension for rate in prices.rates]):
        where = f"rates[{position}].dimension"
        raise CardError(prices.model, where, "has a rate already")


def _check_ascending(prices: ModelPrices) -> None:
    """Check that each band ends above the one before it."""
    for position, (lower, upper) in enumerate(pairwise(prices.bands), start=1):
        where = f"bands[{position}].max_tokens"
        ascends = upper.max_tokens > lower.max_tokens
        _require(ascends, prices.model, where, f"must be above {lower.max_tokens}")


def _check_currency(currency: str) -> None:
    """Check that a currency is one that can be rounded to."""
    try:
        minor_units(currency)
    except UnknownCurrencyError as error:
        raise CardError("card", "currency", "must be one of ISO 4217") from error


def _repeated(names: Sequence[str]) -> Iterator[int]:
    """Yield the positions of the names that stood earlier already."""
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            yield position
        seen.add(name)


def _require(holds: bool, model: str, where: str, problem: str) -> None:
    """Refuse the card unless the fact holds."""
    if not holds:
        raise CardError(model, where, problem)
