"""Own what numbers of equal calls would cost together in a period of their own."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from billing.pricing.charges import ChargeLine, charge, charge_up_to
from billing.pricing.compiled import CompiledCard, CompiledModel
from billing.pricing.hours import depends_on_hour
from billing.pricing.period_charges import charge_in_period
from billing.pricing.period_prices import Meter, PeriodPrice, Used
from billing.pricing.rating import (
    Match,
    Terms,
    UnratableError,
    get_model,
    match_rates,
)
from billing.pricing.usage import read_usage
from ledger.money import WIDE, ZERO, exact


class Calls(NamedTuple):
    """A number of calls of one model that all state the same."""

    card: CompiledCard
    model: str
    properties: Mapping[str, object]
    number: Decimal


class Bound(NamedTuple):
    """What a period's least asks for beside the lines, or its most gives back."""

    dimension: str
    amount: Decimal


class Estimate(NamedTuple):
    """What calls would cost: the lines of all of them, and whether the hour matters."""

    lines: tuple[ChargeLine, ...]
    bounds: tuple[Bound, ...]
    depends_on_time: bool


class UnpricedCallsError(Exception):
    """Some calls have no price: which, counted from 0, and why."""

    def __init__(self, position: int, error: UnratableError) -> None:
        """Keep the place, so that whoever asked is told where to look."""
        super().__init__(error.detail)
        self.position = position
        self.reason = error.reason
        self.detail = error.detail


class _Matched(NamedTuple):
    """Calls with the rates of what each of them states."""

    calls: Calls
    prices: CompiledModel
    rates: list[Match]
    depends_on_time: bool


# A card, by its identity, and what it counts together.
_CardMeter = tuple[int, Meter]


def estimate_period(
    calls: Sequence[Calls],
    *,
    at: datetime,
    terms: Terms = Terms(),  # noqa: B008 - it cannot be changed.
) -> list[Estimate]:
    """Price calls as all that a period has, so that they fill its tiers together.

    Prices by the hour are those of `at`. The least that a call costs is compared with
    what the calls cost on average. The least and the most of a period bound all calls
    together, and stand with the last of them.

    :raises UnpricedCallsError: if some of them have no price.
    """
    matched: list[_Matched] = []
    for position, each in enumerate(calls):
        with _naming(position):
            matched.append(_match(each, at))
    whole = _count(matched)
    used: defaultdict[int, Used] = defaultdict(dict)
    lines: list[list[ChargeLine]] = []
    for position, one in enumerate(matched):
        with _naming(position):
            lines.append(list(_charge_all(one, whole, used, terms)))
    bounds = _bound(matched, lines)
    return [
        Estimate(
            (*found, *_up_to_minimum(one, found)),
            tuple(bounds[position]),
            one.depends_on_time,
        )
        for position, (one, found) in enumerate(zip(matched, lines, strict=True))
    ]


@contextmanager
def _naming(position: int) -> Iterator[None]:
    try:
        yield
    except UnratableError as error:
        raise UnpricedCallsError(position, error) from error


def _match(calls: Calls, at: datetime) -> _Matched:
    prices = get_model(calls.card, calls.model)
    stated = read_usage(calls.properties)
    rates = match_rates(prices, stated, at, calls.model)
    return _Matched(calls, prices, rates, depends_on_hour(prices, stated))


def _count(matched: Sequence[_Matched]) -> dict[_CardMeter, Decimal]:
    """Return what all calls use of each meter."""
    whole: dict[_CardMeter, Decimal] = {}
    for calls, _, rates, _ in matched:
        for *_, rate, quantity in rates:
            if rate.period:
                key = id(calls.card), rate.period.meter
                used = WIDE.multiply(quantity, calls.number)
                whole[key] = WIDE.add(whole.get(key, ZERO), used)
    return whole


def _charge_all(
    matched: _Matched,
    whole: Mapping[_CardMeter, Decimal],
    used: Mapping[int, Used],
    terms: Terms,
) -> Iterator[ChargeLine]:
    """Yield what each dimension of all calls costs."""
    calls = matched.calls
    discount = terms.discounts.factor(calls.model)
    for *_, name, rate, quantity in matched.rates:
        if rate.period is None:
            yield _times(charge(name, rate, quantity, discount), calls.number)
            continue
        card = id(calls.card)
        yield from charge_in_period(
            name,
            rate,
            WIDE.multiply(quantity, calls.number),
            discount,
            used[card],
            whole=whole[card, rate.period.meter],
        )


def _bound(
    matched: Sequence[_Matched], lines: Sequence[Sequence[ChargeLine]]
) -> defaultdict[int, list[Bound]]:
    """Return what the least or the most of a period changes, by the calls' place."""
    costs: defaultdict[_CardMeter, Decimal] = defaultdict(Decimal)
    last: dict[_CardMeter, tuple[int, PeriodPrice]] = {}
    for position, (each, charged) in enumerate(zip(matched, lines, strict=True)):
        for line in charged:
            if line.period:
                key = id(each.calls.card), line.period.meter
                costs[key] = WIDE.add(costs[key], line.amount)
                last[key] = position, line.period.price
    bounds: defaultdict[int, list[Bound]] = defaultdict(list)
    for (card, meter), (position, price) in last.items():
        cost = costs[card, meter]
        change = WIDE.subtract(price.bounded(cost), cost)
        if change:
            bounds[position].append(Bound(meter[1], change))
    return bounds


def _up_to_minimum(
    matched: _Matched, lines: Sequence[ChargeLine]
) -> Iterator[ChargeLine]:
    """Yield what all calls lack to the least that each of them costs."""
    minimum, calls = matched.prices.minimum, matched.calls.number
    if minimum and calls:
        average = [_times(line, WIDE.divide(Decimal(1), calls)) for line in lines]
        for line in charge_up_to(minimum, average, matched.calls.card.currency):
            yield _times(line, calls)


def _times(line: ChargeLine, calls: Decimal) -> ChargeLine:
    """Return one call's line for a number of calls."""
    return line._replace(
        quantity=exact(WIDE.multiply(line.quantity, calls)),
        amount=exact(WIDE.multiply(line.amount, calls)),
    )
