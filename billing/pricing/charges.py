"""Own the arithmetic of a charge: one quantity at one rate, and the least of a call."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from billing.pricing.card import Minimum
from billing.pricing.compiled import CompiledPeriod, CompiledRate
from billing.pricing.dimensions import MINIMUM
from billing.pricing.quantities import TOO_MANY, Reason, UnratableError
from ledger.money import WIDE, ZERO, exact, total

_ONE: Final = Decimal(1)
# Comparing two decimals takes a third of the time.
_TOO_MUCH: Final = Decimal(TOO_MANY)


class ChargeLine(NamedTuple):
    """One dimension of one event, priced, with every number of the arithmetic.

    `amount` is (quantity * unit_price / unit * multiplier + flat) * discount in the
    card's currency, to 18 decimal places. `rate_id` and `band_id` are the ids that the
    card was given. `discount` is what is left to pay: 0.9 after 10%. `priced_as` is the
    dimension of the rate, which differs where the card has none for `dimension`.

    Where the rate depends on the period, `tier` is the tier's position from 1, or 0 for
    what is free; `flat` is due with the tier's first unit; and of whole packages
    `billed` units stand in the formula instead of the quantity. `period` is that price.
    """

    dimension: str
    rate_id: int | None
    band_id: int | None
    quantity: Decimal
    unit: int
    unit_name: str
    unit_price: Decimal
    multiplier: Decimal
    amount: Decimal
    discount: Decimal
    priced_as: str
    tier: int | None = None
    flat: Decimal = ZERO
    billed: Decimal | None = None
    period: CompiledPeriod | None = None


def charge(
    dimension: str, rate: CompiledRate, quantity: Decimal, discount: Decimal
) -> ChargeLine:
    """Price one quantity, rounding only where the stored amount ends.

    :raises UnratableError: if the amount is too large to store.
    """
    amount = WIDE.multiply(quantity, rate.cost)
    if discount != _ONE:
        amount = WIDE.multiply(amount, discount)
    if rate.divisor != 1:
        amount = WIDE.divide(amount, rate.divisor)
    return ChargeLine(
        dimension,
        rate.rate_id,
        rate.band_id,
        quantity,
        rate.unit,
        rate.unit_name,
        rate.unit_price,
        rate.multiplier,
        storable(amount, dimension),
        discount,
        rate.dimension,
    )


def charge_up_to(
    minimum: Minimum, lines: Iterable[ChargeLine], currency: str
) -> Iterator[ChargeLine]:
    """Yield what is missing to the least that a call costs, if anything is.

    Its quantity is money, at a price of one: the line reads like any other.
    """
    missing = WIDE.subtract(minimum.price, total(line.amount for line in lines))
    if missing > 0:
        yield ChargeLine(
            dimension=MINIMUM,
            rate_id=minimum.id,
            band_id=None,
            quantity=missing,
            unit=1,
            unit_name=currency.lower(),
            unit_price=_ONE,
            multiplier=_ONE,
            amount=exact(missing),
            discount=_ONE,
            priced_as=MINIMUM,
        )


def storable(amount: Decimal, dimension: str) -> Decimal:
    """Return an amount to 18 decimal places.

    :raises UnratableError: if it is too large to store.
    """
    if amount >= _TOO_MUCH:
        detail = f"{dimension} costs more than one call can be billed."
        raise UnratableError(Reason.BAD_QUANTITY, detail)
    return exact(amount)
