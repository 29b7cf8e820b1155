"""Own what a name, a number and a currency on a card may look like."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from billing.pricing.conditions import MAX_NAME
from ledger.money import SCALE, UnknownCurrencyError, minor_units

PRICE_DECIMALS: Final = 12
MULTIPLIER_DECIMALS: Final = 6
MAX_PRICE: Final = Decimal(10**12)
MAX_MULTIPLIER: Final = Decimal(10**6)
MAX_COUNT: Final = 10**12

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


def require(holds: bool, model: str, where: str, problem: str) -> None:
    """Refuse the card unless the fact holds.

    :raises CardError: as all checks here do.
    """
    if not holds:
        raise CardError(model, where, problem)


def check_name(model: str) -> None:
    """Check that a model's name can be read, written and compared."""
    fits = 0 < len(model) <= MAX_NAME and model.isprintable()
    problem = f"must be 1 to {MAX_NAME} printable characters, with no space around them"
    require(fits and model == model.strip(), model, "model", problem)


def check_dimension(name: str, model: str, where: str) -> None:
    """Check that a dimension can be the name of an event's property."""
    plain = _DIMENSION.fullmatch(name) and len(name) <= MAX_NAME
    problem = "must be lower-case letters, digits and underscores"
    require(bool(plain), model, where, problem)


def check_unit_name(name: str, model: str, where: str) -> None:
    """Check what people call a unit."""
    named = _UNIT_NAME.fullmatch(name) and len(name) <= MAX_NAME
    problem = "must be a name in lower case, such as tokens"
    require(bool(named), model, where, problem)


def check_price(price: Decimal, model: str, where: str) -> None:
    """Check a price. Zero is one: a free model is shown as free."""
    _check_decimal(price, PRICE_DECIMALS, model, where)
    require(not price.is_signed(), model, where, "must not be negative")
    require(price < MAX_PRICE, model, where, f"must be below {MAX_PRICE}")


def check_quantity(quantity: Decimal, model: str, where: str) -> None:
    """Check a number of units of a dimension, which may be a fraction."""
    _check_decimal(quantity, SCALE, model, where)
    require(not quantity.is_signed(), model, where, "must not be negative")
    require(quantity < MAX_COUNT, model, where, f"must be below {MAX_COUNT}")


def check_multiplier(multiplier: Decimal, model: str, where: str) -> None:
    """Check what the rates of a band are multiplied by."""
    _check_decimal(multiplier, MULTIPLIER_DECIMALS, model, where)
    require(multiplier > 0, model, where, "must be above zero")
    too_large = f"must be below {MAX_MULTIPLIER}"
    require(multiplier < MAX_MULTIPLIER, model, where, too_large)


def check_count(count: int, model: str, where: str) -> None:
    """Check a number of units or tokens."""
    problem = f"must be a whole number from 1 to {MAX_COUNT}"
    require(1 <= count <= MAX_COUNT, model, where, problem)


def check_currency(currency: str) -> None:
    """Check that a currency is one that can be rounded to."""
    try:
        minor_units(currency)
    except UnknownCurrencyError as error:
        raise CardError("card", "currency", "must be one of ISO 4217") from error


def repeated(names: Sequence[str]) -> Iterator[int]:
    """Yield the positions of the names that stood earlier already."""
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            yield position
        seen.add(name)


def _check_decimal(value: Decimal, decimals: int, model: str, where: str) -> None:
    """Check that a value is finite, and short enough for its column."""
    require(value.is_finite(), model, where, "must be a finite number")
    exponent = value.as_tuple().exponent
    fits = isinstance(exponent, int) and -exponent <= decimals
    require(fits, model, where, f"must have at most {decimals} decimal places")
