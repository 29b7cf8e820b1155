"""Own what a customer pays less than the card says, in percent, exactly."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from ledger.money import WIDE

PERCENT_DECIMALS: Final = 4

_ONE: Final = Decimal(1)
_ALL: Final = Decimal(100)


class DiscountError(ValueError):
    """Refuse a percentage that is not from 0 to 100, with 4 decimals at most."""


@dataclass(frozen=True, slots=True)
class Discounts:
    """Hold the percentage that a customer pays less, and others for some models.

    A model's own percentage stands instead of the general one.

    :raises DiscountError: if a percentage is out of range.
    """

    percent: Decimal = Decimal(0)
    by_model: Mapping[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every percentage."""
        chain([self.percent, *self.by_model.values()])

    def factor(self, model: str) -> Decimal:
        """Return what is left to pay of a model's price: 0.9 after 10%."""
        percent = self.by_model.get(model, self.percent)
        return chain([percent]) if percent else _ONE


def chain(percents: Iterable[Decimal]) -> Decimal:
    """Return what is left to pay after one discount on another: 0.81 after 10% twice.

    :raises DiscountError: if a percentage is out of range.
    """
    factor = _ONE
    for percent in percents:
        left = WIDE.divide(WIDE.subtract(_ALL, _checked(percent)), _ALL)
        factor = WIDE.multiply(factor, left)
    return factor


def _checked(percent: Decimal) -> Decimal:
    """Return a percentage, once it is known to be one."""
    exponent = percent.as_tuple().exponent
    short = isinstance(exponent, int) and -exponent <= PERCENT_DECIMALS
    if not short or not 0 <= percent <= _ALL:
        message = f"{percent} is no percentage from 0 to 100 with 4 decimals at most"
        raise DiscountError(message)
    return percent


FULL_PRICE: Final = Discounts()
