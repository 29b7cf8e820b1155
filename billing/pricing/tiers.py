"""Own prices that depend on how much a whole period has used so far.

Every function takes what was used before and what one event adds, and returns what the
event costs. `before` is None for the first event of a period, which alone pays what a
period costs at no use. Adding in parts costs what adding at once does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from ledger.money import WIDE, ZERO, total

_ONE: Final = Decimal(1)


class TierError(ValueError):
    """Refuse tiers that do not ascend, or a quantity that none of them holds."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Charge `unit_price` for each unit up to `up_to`, included, and `flat` once.

    Without `up_to` the tier never ends. A percentage of money is a price too: 1% is
    0.01 for each unit of the money.
    """

    up_to: Decimal | None
    unit_price: Decimal = ZERO
    flat: Decimal = ZERO


class TierPart(NamedTuple):
    """Hold the part of an event in one tier: its amount is exact and not rounded.

    It is `quantity * unit_price + flat`. What a volume price takes back is negative.
    """

    tier: int
    quantity: Decimal
    unit_price: Decimal
    flat: Decimal

    @property
    def amount(self) -> Decimal:
        """Return what the part costs."""
        return WIDE.fma(self.quantity, self.unit_price, self.flat)


class Allowance(NamedTuple):
    """Hold an event's units split into free ones and those to be paid.

    `before` and `added` are what the other functions here take for the paid ones.
    """

    free: Decimal
    before: Decimal | None
    added: Decimal


def graduated(
    tiers: Sequence[Tier], before: Decimal | None, added: Decimal
) -> list[TierPart]:
    """Price each unit in the tier it falls into, splitting an event at each bound.

    A tier's flat price is due when the first unit falls into it, and the first tier's
    with the first event.

    :raises TierError: if the tiers do not ascend, or end below the quantity.
    """
    after = _after(tiers, before, added)
    used = before or ZERO
    parts = []
    start = ZERO
    for position, tier in enumerate(tiers[: tier_of(tiers, after) + 1]):
        end = after if tier.up_to is None else min(tier.up_to, after)
        quantity = max(ZERO, WIDE.subtract(end, max(start, used)))
        is_entered = before is None if position == 0 else used <= start
        flat = tier.flat if is_entered else ZERO
        if quantity or flat:
            parts.append(TierPart(position, quantity, tier.unit_price, flat))
        start = end
    return parts


def volume(
    tiers: Sequence[Tier], before: Decimal | None, added: Decimal
) -> list[TierPart]:
    """Price all units of the period in the tier that their number falls into.

    Once the number reaches another tier, what was charged before is taken back and
    charged anew: 15 at 10 and one more at 5 is -150 and +80.

    :raises TierError: as `graduated` does.
    """
    after = _after(tiers, before, added)
    now = tier_of(tiers, after)
    if before is None:
        return [_whole(tiers, now, after)]
    earlier = tier_of(tiers, before)
    if earlier == now:
        return [TierPart(now, added, tiers[now].unit_price, ZERO)]
    charged = _whole(tiers, earlier, before)
    taken_back = charged._replace(quantity=-charged.quantity, flat=-charged.flat)
    return [taken_back, _whole(tiers, now, after)]


def running_volume(
    tiers: Sequence[Tier], before: Decimal | None, added: Decimal
) -> TierPart:
    """Price an event in the tier that the period has reached with it.

    What was charged before stays as it is, and no flat price is due yet: the end of the
    period trues both up.

    :raises TierError: as `graduated` does.
    """
    now = tier_of(tiers, _after(tiers, before, added))
    return TierPart(now, added, tiers[now].unit_price, ZERO)


def settled_volume(
    tiers: Sequence[Tier], before: Decimal | None, added: Decimal, whole: Decimal
) -> TierPart:
    """Price an event in the tier of the whole period, which is known.

    The flat price of the tier is due with the last unit, or if there is none to be paid
    with the first call.

    :raises TierError: as `graduated` does.
    """
    after = _after(tiers, before, added)
    now = tier_of(tiers, whole)
    is_last = after == whole and bool(added or before is None)
    flat = tiers[now].flat if is_last else ZERO
    return TierPart(now, added, tiers[now].unit_price, flat)


def package(
    size: Decimal, price: Decimal, before: Decimal | None, added: Decimal
) -> TierPart:
    """Price the packages that an event opens; one that is begun is paid whole.

    :raises TierError: if the size is not above zero, or a quantity is below it.
    """
    if size <= 0:
        raise TierError("a package must hold something")
    begun = before or ZERO
    opened = _packages(_add(begun, added), size)
    return TierPart(0, WIDE.subtract(opened, _packages(begun, size)), price, ZERO)


def free_units(allowance: Decimal, before: Decimal | None, added: Decimal) -> Allowance:
    """Give the period's first units away.

    :raises TierError: if a quantity is below zero.
    """
    after = _add(before or ZERO, added)
    paid_before = max(ZERO, WIDE.subtract(before or ZERO, allowance))
    paid = WIDE.subtract(max(ZERO, WIDE.subtract(after, allowance)), paid_before)
    free = WIDE.subtract(added, paid)
    return Allowance(free, None if before is None else paid_before, paid)


def missing_to_minimum(minimum: Decimal, charged: Decimal) -> Decimal:
    """Return what a period still owes to cost its least, at its end."""
    return max(ZERO, WIDE.subtract(minimum, charged))


def beyond_maximum(maximum: Decimal, charged: Decimal, amount: Decimal) -> Decimal:
    """Return how much of an amount a period's most, of which some is charged, cuts."""
    room = max(ZERO, WIDE.subtract(maximum, charged))
    return max(ZERO, WIDE.subtract(amount, room))


def amount_of(parts: Sequence[TierPart]) -> Decimal:
    """Return what parts cost together."""
    return total(part.amount for part in parts)


def _add(before: Decimal, added: Decimal) -> Decimal:
    """Return what was used with what is added, neither of which is negative."""
    if before < 0 or added < 0:
        raise TierError("a quantity must not be below zero")
    return WIDE.add(before, added)


def _after(tiers: Sequence[Tier], before: Decimal | None, added: Decimal) -> Decimal:
    """Return what is used in the end, once the tiers are known to hold it."""
    after = _add(before or ZERO, added)
    bounds = [tier.up_to for tier in tiers]
    for lower, upper in pairwise([ZERO, *bounds]):
        if lower is None or (upper is not None and upper <= lower):
            raise TierError("each tier must end above the one before it")
    if not bounds or (bounds[-1] is not None and after > bounds[-1]):
        raise TierError(f"no tier holds {after}")
    return after


def tier_of(tiers: Sequence[Tier], quantity: Decimal) -> int:
    """Return which tier a number of units falls into; bounds belong to the lower.

    The tiers ascend and the last of them holds the quantity.
    """
    bounds = enumerate(tier.up_to for tier in tiers)
    return next(i for i, bound in bounds if bound is None or quantity <= bound)


def _whole(tiers: Sequence[Tier], position: int, quantity: Decimal) -> TierPart:
    """Return all units of a period in one tier."""
    tier = tiers[position]
    return TierPart(position, quantity, tier.unit_price, tier.flat)


def _packages(quantity: Decimal, size: Decimal) -> Decimal:
    """Return how many packages hold a quantity."""
    return WIDE.divide(quantity, size).to_integral_value(ROUND_CEILING)
