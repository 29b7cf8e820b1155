"""Own what a number of equal calls would cost together in a period of its own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from billing.pricing.charges import ChargeLine, charge, charge_up_to
from billing.pricing.compiled import CompiledCard, CompiledModel
from billing.pricing.period_charges import charge_in_period
from billing.pricing.period_prices import Used
from billing.pricing.rating import Match, Terms, get_model, match_rates
from billing.pricing.usage import read_usage
from ledger.money import WIDE, exact, total


class Bound(NamedTuple):
    """What a period's least asks for beside the lines, or its most gives back."""

    dimension: str
    amount: Decimal


class Estimate(NamedTuple):
    """What calls would cost: the lines of all of them, and whether the hour matters."""

    lines: tuple[ChargeLine, ...]
    bounds: tuple[Bound, ...]
    depends_on_time: bool

    @property
    def amount(self) -> Decimal:
        """Return the sum of the lines and of what bounds them."""
        lines = total(line.amount for line in self.lines)
        return WIDE.add(lines, total(bound.amount for bound in self.bounds))


def estimate_calls(
    card: CompiledCard,
    model: str,
    properties: Mapping[str, object],
    calls: Decimal,
    *,
    at: datetime,
    terms: Terms = Terms(),  # noqa: B008 - it cannot be changed.
) -> Estimate:
    """Price a number of calls that all state the same, as all that a period has.

    Prices by the hour are those of `at`. The least that a call costs is compared with
    what the calls cost on average.

    :raises UnratableError: if any part of a call cannot be priced.
    """
    prices = get_model(card, model)
    discount = terms.discounts.factor(model)
    stated = read_usage(properties)
    used: Used = {}
    lines: list[ChargeLine] = []
    matches = match_rates(prices, stated, at)
    for match in matches:
        lines += _charge_all(match, calls, discount, used)
    bounds = tuple(_bound(matches, lines))
    lines += _up_to_minimum(prices, lines, calls, card.currency)
    return Estimate(tuple(lines), bounds, bool(prices.slots))


def _charge_all(
    match: Match, calls: Decimal, discount: Decimal, used: Used
) -> Iterator[ChargeLine]:
    """Yield what one dimension of all calls costs."""
    *_, name, rate, quantity = match
    if rate.period:
        whole = WIDE.multiply(quantity, calls)
        yield from charge_in_period(name, rate, whole, discount, used, is_whole=True)
    else:
        yield _times(charge(name, rate, quantity, discount), calls)


def _bound(matches: Sequence[Match], lines: Sequence[ChargeLine]) -> Iterator[Bound]:
    """Yield what the least or the most of a period changes, rate by rate."""
    periods = {
        rate.dimension: rate.period.price for *_, rate, _ in matches if rate.period
    }
    for dimension, period in periods.items():
        cost = total(line.amount for line in lines if line.priced_as == dimension)
        change = WIDE.subtract(period.bounded(cost), cost)
        if change:
            yield Bound(dimension, change)


def _up_to_minimum(
    prices: CompiledModel, lines: list[ChargeLine], calls: Decimal, currency: str
) -> Iterator[ChargeLine]:
    """Yield what all calls lack to the least that each of them costs."""
    if prices.minimum and calls:
        average = [_times(line, WIDE.divide(Decimal(1), calls)) for line in lines]
        for line in charge_up_to(prices.minimum, average, currency):
            yield _times(line, calls)


def _times(line: ChargeLine, calls: Decimal) -> ChargeLine:
    """Return one call's line for a number of calls."""
    return line._replace(
        quantity=exact(WIDE.multiply(line.quantity, calls)),
        amount=exact(WIDE.multiply(line.amount, calls)),
    )
