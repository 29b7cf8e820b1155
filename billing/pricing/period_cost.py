"""Own what all units of a period cost together, whatever their calls were charged."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from billing.pricing.period_prices import PeriodMode
from billing.pricing.tiers import free_units, graduated, package
from billing.pricing.volume import VolumeUse, true_up
from ledger.money import WIDE, ZERO, exact, total


def period_cost(uses: Sequence[VolumeUse]) -> Decimal:
    """Return what the uses of one meter cost, one after the other in a new period.

    Their quantities are all units, what is free included. `charged` does not matter.
    """
    cost = ZERO
    used: Decimal | None = None
    paid: list[VolumeUse] = []
    for use in uses:
        allowance = free_units(use.period.free, used, use.quantity)
        used = WIDE.add(used or ZERO, use.quantity)
        paid.append(use._replace(quantity=allowance.added, charged=ZERO))
        if use.period.mode is not PeriodMode.VOLUME:
            cost = WIDE.add(cost, _cost(use, allowance.before, allowance.added))
    volume = [use for use in paid if use.period.mode is PeriodMode.VOLUME]
    return total([cost, *(settled.amount for settled in true_up(volume))])


def _cost(use: VolumeUse, before: Decimal | None, added: Decimal) -> Decimal:
    """Return what a use costs after what was used before."""
    tiers = use.period.tiers
    if use.period.mode is PeriodMode.PACKAGE:
        price = tiers[0].unit_price
        opened = package(Decimal(use.unit), price, before, added)
        return _exact([opened.quantity, price, use.multiplier, use.discount])
    parts = graduated(tiers, before, added)
    flat = total(part.flat for part in parts)
    units = (
        WIDE.divide(WIDE.multiply(part.quantity, part.unit_price), Decimal(use.unit))
        for part in parts
    )
    priced = _exact([total(units), use.multiplier, use.discount])
    return WIDE.add(priced, _exact([flat, use.discount]))


def _exact(factors: Iterable[Decimal]) -> Decimal:
    """Return a product as it is stored."""
    product = Decimal(1)
    for factor in factors:
        product = WIDE.multiply(product, factor)
    return exact(product)
