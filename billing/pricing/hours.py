"""Own whether what a call costs depends on the hour at which it happens."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from billing.pricing.compiled import CompiledModel
from billing.pricing.quantities import UnratableError
from billing.pricing.rating import match_rates

# The week of the slots begins on a Monday, whichever it is.
_MONDAY: Final = datetime(2024, 1, 1, tzinfo=UTC)


def depends_on_hour(prices: CompiledModel, stated: Mapping[str, object]) -> bool:
    """Tell whether some quantity that a call states has another price at another hour.

    What is stated is as `read_usage` leaves it, and has a price at some hour.
    """
    if not prices.slots:
        return False
    times = [_MONDAY + timedelta(minutes=minute) for minute in prices.slots]
    first = _prices_at(prices, stated, times[0])
    return any(_prices_at(prices, stated, time) != first for time in times[1:])


def _prices_at(
    prices: CompiledModel, stated: Mapping[str, object], at: datetime
) -> object:
    """Return what a call's quantities cost at an instant, to be compared; or None."""
    try:
        matches = match_rates(prices, stated, at)
    except UnratableError:
        return None
    return [
        (name, rate.cost, rate.divisor, rate.period and rate.period.price)
        for *_, name, rate, quantity in sorted(matches, key=lambda each: each[2])
        if quantity
    ]
