"""Own the rate card as data: what one version charges for each model.

A rate or a band is checked by the model it joins, so that every complaint can name
that model. What a model or a card holds is therefore always valid. Nothing here rates.
"""

from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Final

from billing.pricing.checks import (
    CardError,
    check_count,
    check_currency,
    check_dimension,
    check_multiplier,
    check_name,
    check_price,
    check_unit_name,
    repeated,
    require,
)
from billing.pricing.conditions import ALWAYS, When
from billing.pricing.dimensions import INFORMATIONAL, MINIMUM
from billing.pricing.period_prices import PeriodPrice, check_period_price
from billing.pricing.scopes import Cut, find_clash, scope_of

__all__ = [
    "CONTEXT_WINDOW",
    "DEFAULT_MODEL",
    "Band",
    "Card",
    "CardError",
    "Minimum",
    "ModelPrices",
    "Rate",
]

CONTEXT_WINDOW: Final = "context_window"

# Rates of one dimension, so that nobody waits for the comparison of all with all.
MOST_RATES: Final = 200

# The prices of every model that has none of its own on the card.
DEFAULT_MODEL: Final = "*"

# These properties have a meaning of their own, so none of them can be a quantity.
_RESERVED: Final = INFORMATIONAL | {CONTEXT_WINDOW, MINIMUM, "model", "usage"}


@dataclass(frozen=True, slots=True)
class Band:
    """Multiply every rate of a call whose context ends at a bound, in tokens.

    The bound is `max_tokens`, included, or `below_tokens`, not included; without either
    the band never ends. `id` is whatever the caller wants back on a charge; two bands
    are equal without it.
    """

    max_tokens: int | None
    multiplier: Decimal
    below_tokens: int | None = None
    id: int | None = field(default=None, compare=False)

    @property
    def bound(self) -> int | None:
        """Return the tokens that the band ends at, if it ends."""
        return self.below_tokens if self.max_tokens is None else self.max_tokens

    @property
    def upper(self) -> Cut | None:
        """Return the place just behind the band's last context, if it ends."""
        if self.max_tokens is not None:
            return self.max_tokens, 1
        return None if self.below_tokens is None else (self.below_tokens, 0)


@dataclass(frozen=True, slots=True)
class Rate:
    """Charge `price`, in the card's currency, for each `unit` of a dimension.

    `unit_name` is for people: 1000 "tokens", 1 "image". It applies to calls that meet
    the conditions of `when`. With `period` the price depends on what the billing period
    has used, and `price` is its first tier's. `id` is whatever the caller wants back on
    a charge; two rates are equal without it.
    """

    dimension: str
    unit: int
    unit_name: str
    price: Decimal
    when: When = ALWAYS
    period: PeriodPrice | None = None
    id: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Minimum:
    """Charge at least `price` for a call, after every discount.

    `id` is whatever the caller wants back on a charge; it makes no difference.
    """

    price: Decimal
    id: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """Hold what one model costs: its rates, and its context bands if it has any.

    Rates that are stored were compared with each other when they were drafted; of them
    `are_compared` says so, and saves the time.

    :raises CardError: if a field is out of range, two rates of a dimension could both
        price one call, there are too many of one, or the bands do not ascend.
    """

    model: str
    rates: tuple[Rate, ...]
    bands: tuple[Band, ...] = ()
    minimum: Minimum | None = None
    are_compared: InitVar[bool] = False

    def __post_init__(self, are_compared: bool) -> None:
        """Check the model and everything in it."""
        check_name(self.model)
        require(bool(self.rates), self.model, "rates", "must hold at least one rate")
        for position, rate in enumerate(self.rates):
            _check_rate(rate, self.model, f"rates[{position}]")
        if not are_compared:
            _check_dimensions(self)
        for position, band in enumerate(self.bands):
            _check_band(band, self.model, f"bands[{position}]")
        _check_ascending(self)
        if self.minimum:
            check_price(self.minimum.price, self.model, MINIMUM)


@dataclass(frozen=True, slots=True)
class Card:
    """Hold the prices of every model, in one currency.

    :raises CardError: if the currency is unknown, or a model is missing or twice here.
    """

    currency: str
    models: tuple[ModelPrices, ...]

    def __post_init__(self) -> None:
        """Check what only the whole card can know."""
        check_currency(self.currency)
        require(bool(self.models), "card", "models", "must hold at least one model")
        names = [prices.model for prices in self.models]
        for position in repeated(names):
            where = f"models[{position}]"
            raise CardError(names[position], where, "is on the card already")


def _check_rate(rate: Rate, model: str, where: str) -> None:
    """Check each field of a rate."""
    check_dimension(rate.dimension, model, f"{where}.dimension")
    free = rate.dimension not in _RESERVED
    require(free, model, f"{where}.dimension", "is a name that has no rate")
    check_count(rate.unit, model, f"{where}.unit")
    check_unit_name(rate.unit_name, model, f"{where}.unit_name")
    if rate.period:
        check_period_price(rate.period, model, where)
    check_price(rate.price, model, f"{where}.price")


def _check_dimensions(prices: ModelPrices) -> None:
    """Check that a charge has exactly one rate, whatever its call is like."""
    positions: dict[str, list[int]] = {}
    for position, rate in enumerate(prices.rates):
        positions.setdefault(rate.dimension, []).append(position)
    for same in positions.values():
        for surplus in same[MOST_RATES:]:
            problem = f"has {MOST_RATES} rates already, which is the most"
            raise CardError(prices.model, f"rates[{surplus}].dimension", problem)
        clash = find_clash([scope_of(prices.rates[each].when) for each in same])
        if clash:
            raise _clash(prices, same[clash[0]], same[clash[1]])


def _clash(prices: ModelPrices, first: int, second: int) -> CardError:
    """Return the complaint about two rates of one dimension."""
    earlier, later = prices.rates[first], prices.rates[second]
    if later.when == earlier.when == ALWAYS:
        return CardError(
            prices.model, f"rates[{second}].dimension", "has a rate already"
        )
    problem = f"could price the same call as rates[{first}]; add a condition to one"
    return CardError(prices.model, f"rates[{second}].when", problem)


def _check_band(band: Band, model: str, where: str) -> None:
    """Check each field of a band."""
    for name in ("max_tokens", "below_tokens"):
        bound = getattr(band, name)
        if bound is not None:
            check_count(bound, model, f"{where}.{name}")
    both = band.max_tokens is not None and band.below_tokens is not None
    require(not both, model, f"{where}.below_tokens", "contradicts max_tokens")
    check_multiplier(band.multiplier, model, f"{where}.multiplier")


def _check_ascending(prices: ModelPrices) -> None:
    """Check that each band ends above the one before it, and only the last never."""
    for position, (lower, upper) in enumerate(pairwise(prices.bands), start=1):
        before = f"bands[{position - 1}].multiplier"
        require(lower.upper is not None, prices.model, before, "needs a bound")
        name = "max_tokens" if upper.below_tokens is None else "below_tokens"
        where = f"bands[{position}].{name}"
        ascends = not upper.upper or not lower.upper or upper.upper > lower.upper
        require(ascends, prices.model, where, f"must be above {lower.bound}")
