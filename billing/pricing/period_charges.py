"""Own the charges of a rate whose price depends on what the period has used so far."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from billing.pricing.charges import ChargeLine, charge, storable
from billing.pricing.compiled import CompiledPeriod, CompiledRate
from billing.pricing.period_prices import PeriodMode, Used
from billing.pricing.tiers import (
    Allowance,
    TierPart,
    free_units,
    graduated,
    package,
    running_volume,
    settled_volume,
)
from ledger.money import WIDE, ZERO


def charge_in_period(
    dimension: str,
    rate: CompiledRate,
    quantity: Decimal,
    discount: Decimal,
    used: Used,
    *,
    whole: Decimal | None = None,
) -> Iterator[ChargeLine]:
    """Yield a line for each tier that a quantity falls into, and count it as used.

    What is free comes first, as tier 0. A quantity of zero makes a line of its own. A
    volume price is that of the tier reached so far; if it is known what the whole
    period uses, it is the last tier's, and nothing is left to be trued up.

    :raises UnratableError: if an amount is too large to store.
    """
    period = rate.period
    assert period  # noqa: S101 - the caller has looked.
    before = used.get(period.meter)
    used[period.meter] = WIDE.add(before or ZERO, quantity)
    allowance = free_units(period.price.free, before, quantity)
    if allowance.free:
        free = charge(dimension, period.free, allowance.free, discount)
        yield free._replace(tier=0, period=period)
    is_empty = not allowance.free
    for part in _split(rate.unit, period, allowance, whole):
        if part.quantity or part.flat or is_empty:
            yield _charge_part(dimension, period, part, discount)
            is_empty = False
    if is_empty:
        line = charge(dimension, period.tiers[0], quantity, discount)
        yield line._replace(tier=1, period=period)


def _split(
    unit: int, period: CompiledPeriod, allowance: Allowance, whole: Decimal | None
) -> Iterable[TierPart]:
    """Split what is to be paid among the tiers."""
    tiers = period.price.tiers
    _, before, added = allowance
    if period.price.mode is PeriodMode.GRADUATED:
        return graduated(tiers, before, added)
    if period.price.mode is PeriodMode.VOLUME and whole is not None:
        paid = max(ZERO, WIDE.subtract(whole, period.price.free))
        return [settled_volume(tiers, before, added, paid)]
    if period.price.mode is PeriodMode.VOLUME:
        return [running_volume(tiers, before, added)]
    opened = package(Decimal(unit), tiers[0].unit_price, before, added)
    return [opened._replace(quantity=added, flat=opened.quantity)]


def _charge_part(
    dimension: str, period: CompiledPeriod, part: TierPart, discount: Decimal
) -> ChargeLine:
    """Price one part in its tier."""
    rate = period.tiers[part.tier]
    if period.price.mode is PeriodMode.PACKAGE:
        billed = WIDE.multiply(part.flat, Decimal(rate.unit))
        line = charge(dimension, rate, billed, discount)
        return line._replace(
            tier=1, quantity=part.quantity, billed=billed, period=period
        )
    line = charge(dimension, rate, part.quantity, discount)
    if part.flat:
        flat = WIDE.multiply(part.flat, discount)
        amount = storable(WIDE.add(line.amount, flat), dimension)
        line = line._replace(amount=amount, flat=part.flat)
    return line._replace(tier=part.tier + 1, period=period)
