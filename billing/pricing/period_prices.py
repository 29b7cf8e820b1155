"""Own the prices that depend on what a billing period has used so far, as data.

How such a price splits a call is for `tiers`, and what the parts cost for
`period_charges`.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Final

from billing.pricing.checks import check_price, check_quantity, require
from billing.pricing.conditions import When
from billing.pricing.tiers import Tier
from ledger.money import ZERO


class PeriodMode(StrEnum):
    """Say how a period's usage chooses the price.

    Graduated: each unit costs what its own tier says. Volume: all units cost what the
    last one's tier says. Package: whole units are sold, each begun one once.
    """

    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"


@dataclass(frozen=True, slots=True)
class PeriodPrice:
    """Hold the tiers of a rate, and the quantity that each period has free before them.

    A tier's `unit_price` is the price of the rate's unit, its `up_to` a quantity. The
    free quantity counts towards no tier. A package has one tier. The least and the most
    that a period costs are money, and settled at its end.
    """

    mode: PeriodMode
    tiers: tuple[Tier, ...]
    free: Decimal = ZERO
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    @property
    def is_trued_up(self) -> bool:
        """Whether the period's end may ask for more than its calls, or for less."""
        is_bounded = self.minimum is not None or self.maximum is not None
        return is_bounded or self.mode is PeriodMode.VOLUME

    def bounded(self, amount: Decimal) -> Decimal:
        """Return what a period costs in the end: within its least and its most."""
        least = amount if self.minimum is None else max(amount, self.minimum)
        return least if self.maximum is None else min(least, self.maximum)


# What is counted together in a period: the rate of a model on a card for a dimension
# and its conditions, whatever version of the card it is on.
Meter = tuple[str, str, When]

# The quantity that a period has used of each meter; none before its first call.
Used = MutableMapping[Meter, Decimal]

MAX_TIERS: Final = 100


def check_period_price(period: PeriodPrice, model: str, where: str) -> None:
    """Check the tiers and free units of a rate.

    :raises CardError: if a number is out of range, or no tier is open-ended at the end.
    """
    check_quantity(period.free, model, f"{where}.free_per_period")
    for name in ("minimum", "maximum"):
        amount = getattr(period, name)
        if amount is not None:
            check_price(amount, model, f"{where}.{name}_per_period")
    below = period.bounded(ZERO) == (period.minimum or ZERO)
    problem = "must not be below the minimum"
    require(below, model, f"{where}.maximum_per_period", problem)
    few = 1 <= len(period.tiers) <= MAX_TIERS
    require(few, model, f"{where}.tiers", f"must be 1 to {MAX_TIERS} tiers")
    for position, tier in enumerate(period.tiers):
        _check_tier(tier, model, f"{where}.tiers[{position}]")
    _check_bounds(period, model, f"{where}.tiers")
    if period.mode is PeriodMode.PACKAGE:
        single = len(period.tiers) == 1 and not period.tiers[0].flat
        require(single, model, f"{where}.per_period", "package has one price")


def _check_tier(tier: Tier, model: str, where: str) -> None:
    """Check the numbers of one tier."""
    check_price(tier.unit_price, model, f"{where}.price")
    check_price(tier.flat, model, f"{where}.flat")
    if tier.up_to is not None:
        check_quantity(tier.up_to, model, f"{where}.up_to")
        require(tier.up_to > 0, model, f"{where}.up_to", "must be above zero")


def _check_bounds(period: PeriodPrice, model: str, where: str) -> None:
    """Check that each tier ends above the one before it, and the last one never."""
    for position, (lower, upper) in enumerate(pairwise(period.tiers), start=1):
        before = f"{where}[{position - 1}].price"
        require(lower.up_to is not None, model, before, "needs up_to: tiers follow it")
        ascends = not lower.up_to or not upper.up_to or upper.up_to > lower.up_to
        problem = f"must be above {lower.up_to}"
        require(ascends, model, f"{where}[{position}].up_to", problem)
    last = len(period.tiers) - 1
    problem = "must be left out in the last tier, which has no end"
    is_open = period.tiers[last].up_to is None
    require(is_open, model, f"{where}[{last}].up_to", problem)
