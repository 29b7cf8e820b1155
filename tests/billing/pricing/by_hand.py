"""The price of any call on any card, worked out a second time by fractions alone."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, cast

from billing.pricing.card import ModelPrices, Rate
from billing.pricing.conditions import DAYS, When

INPUT = ("input_tokens", "cached_input_tokens")
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = [MONDAY + timedelta(minutes=30 * slot) for slot in range(7 * 48)]
BOUNDS: dict[str, Callable[[Fraction | int, int], bool]] = {
    "context_above": lambda context, bound: context > bound,
    "context_from": lambda context, bound: context >= bound,
    "context_up_to": lambda context, bound: context <= bound,
    "context_below": lambda context, bound: context < bound,
}


def holds(
    name: str, texts: tuple[str, ...], call: Mapping[str, Any], at: datetime
) -> bool:
    context = sum(Fraction(call.get(part, 0)) for part in INPUT)
    if name in BOUNDS:
        return BOUNDS[name](context, int(texts[0]))
    if name == "hours":
        return any(in_hours(text, f"{at:%H:%M}") for text in texts)
    if name == "weekdays":
        return any(in_days(text, at.weekday()) for text in texts)
    return call.get(name) in texts


def in_hours(text: str, time: str) -> bool:
    start, end = text.split("-")
    return start <= time < end if start < end else time >= start or time < end


def in_days(text: str, day: int) -> bool:
    first, _, last = text.partition("-")
    start, end = DAYS.index(first), DAYS.index(last or first)
    return start <= day <= end if start <= end else day >= start or day <= end


@cache
def size(when: When) -> tuple[int, Fraction]:
    """More conditions first; of equally many the one that fewer calls meet."""
    stated = dict(when.conditions)
    ends = {
        name: 2 * int(stated[name][0]) + (name in ("context_above", "context_up_to"))
        for name in BOUNDS
        if name in stated
    }
    lower = ends.get("context_above", ends.get("context_from", 0))
    length = Fraction(
        ends.get("context_up_to", ends.get("context_below", 10**15)) - lower
    )
    times = {name: stated.pop(name) for name in ("hours", "weekdays") if name in stated}
    for name in stated.keys() - BOUNDS.keys():
        # Of so many values that a property could have.
        length *= Fraction(len(stated[name]), 10**6)
    slots = [
        at for at in WEEK if all(holds(name, times[name], {}, at) for name in times)
    ]
    conditions = len(stated.keys() - BOUNDS.keys()) + len(times) + bool(ends)
    return -conditions, length * len(slots)


def best(
    prices: ModelPrices, dimension: str, call: Mapping[str, Any], at: datetime
) -> Rate | None:
    matching = [
        rate
        for rate in prices.rates
        if rate.dimension == dimension
        and all(holds(name, texts, call, at) for name, texts in rate.when.conditions)
    ]
    return min(matching, key=lambda rate: size(rate.when), default=None)


def by_hand(
    prices: ModelPrices, call: Mapping[str, Any], at: datetime, percent: Decimal
) -> dict[str, Fraction]:
    context = sum(Fraction(call.get(part, 0)) for part in INPUT)
    band = next((b for b in prices.bands if (b.max_tokens or 0) >= context), None)
    multiplier = (
        Fraction(band.multiplier if band else 1) * (100 - Fraction(percent)) / 100
    )
    amounts = {}
    for name in ("input_tokens", "cached_input_tokens", "output_tokens"):
        own = best(prices, name, call, at)
        rate = own or cast("Rate", best(prices, "input_tokens", call, at))
        if name in call and (own or call[name]):
            exact = Fraction(call[name]) * Fraction(rate.price) / rate.unit * multiplier
            amounts[name] = Fraction(round(exact * 10**18), 10**18)
    least = Fraction(prices.minimum.price if prices.minimum else 0)
    missing = least - sum(amounts.values())
    return amounts | ({"minimum": missing} if missing > 0 else {})
