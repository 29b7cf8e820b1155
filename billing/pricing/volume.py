"""Own what a period's calls cost at a volume price once all of them are known."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from billing.pricing.period_prices import PeriodPrice
from billing.pricing.tiers import Tier, tier_of
from ledger.money import WIDE, ZERO, exact


class VolumeUse(NamedTuple):
    """Hold what one price charged in a period: units in one band, at one discount."""

    unit: int
    period: PeriodPrice
    quantity: Decimal
    multiplier: Decimal
    discount: Decimal
    charged: Decimal


class Settled(NamedTuple):
    """Say in which tier some units end up, and what is still due for them.

    The tier's position counts from 1. Below zero the amount is given back.
    """

    tier: int
    amount: Decimal


def true_up(uses: Sequence[VolumeUse]) -> list[Settled]:
    """Return what is due for each use of one meter, once the period has ended.

    All units together choose the tier, in the tiers of each use's own version. The flat
    price of the tier is due once, with the last use.
    """
    units = ZERO
    for use in uses:
        units = WIDE.add(units, use.quantity)
    return [
        _settle(use, units, is_last=position == len(uses))
        for position, use in enumerate(uses, start=1)
    ]


def _settle(use: VolumeUse, units: Decimal, *, is_last: bool) -> Settled:
    """Return what is due for one use, in the tier of all units."""
    position = tier_of(use.period.tiers, units)
    tier = use.period.tiers[position]
    cost = _cost(use, tier)
    if is_last:
        cost = WIDE.add(cost, WIDE.multiply(tier.flat, use.discount))
    return Settled(position + 1, exact(WIDE.subtract(exact(cost), use.charged)))


def _cost(use: VolumeUse, tier: Tier) -> Decimal:
    """Return what the units of a use cost in a tier."""
    price = WIDE.multiply(WIDE.multiply(use.quantity, tier.unit_price), use.multiplier)
    return WIDE.divide(WIDE.multiply(price, use.discount), Decimal(use.unit))
