"""Own the price of one event: its quantities on one version of a card, exactly.

A card is compiled once and then only looked up. An event that cannot be priced in full
is refused with the reason; nothing is ever priced at zero in silence.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from billing.pricing.compiled import (
    CompiledBand,
    CompiledCard,
    CompiledModel,
    CompiledRate,
    compile_card,
)
from billing.pricing.dimensions import REQUESTS, context_tokens, is_dimension
from ledger.money import (
    SCALE,
    WIDE,
    as_text,
    exact,
)

__all__ = [
    "ChargeLine",
    "CompiledCard",
    "Reason",
    "UnratableError",
    "compile_card",
    "rate_usage",
    "read_quantity",
]

_ONE: Final = Decimal(1)
# Far above any real call, and far enough below the columns' ends that no customer's
# calls can add up to more than a wallet holds.
_DIGITS: Final = 12
_TOO_MANY: Final = 10**_DIGITS

# `Decimal` itself would also take "1_000", "1E+400" and the full-width digits.
_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,18})?")


class Reason(StrEnum):
    """Say why an event is in quarantine; a later version of the card may cure it."""

    NO_VERSION = "no_rate_card_version"
    OTHER_CURRENCY = "other_currency"
    UNKNOWN_MODEL = "unknown_model"
    UNPRICED_DIMENSION = "unpriced_dimension"
    NO_PRICED_DIMENSION = "no_priced_dimension"
    CONTEXT_ABOVE_BANDS = "context_above_bands"
    BAD_QUANTITY = "bad_quantity"


class UnratableError(Exception):
    """Refuse to price an event, with the reason and a sentence for an operator."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep the reason, which is for programs, beside the sentence for people."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class ChargeLine(NamedTuple):
    """One dimension of one event, priced, with every number of the arithmetic.

    `amount` is quantity * unit_price / unit * multiplier in the card's currency, to 18
    decimal places. `rate_id` and `band_id` are the ids that the card was given.
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


def rate_usage(
    card: CompiledCard, model: str | None, properties: Mapping[str, object]
) -> tuple[ChargeLine, ...]:
    """Price an event: one line for each priced dimension it states, in card order.

    Properties that are neither on the card nor dimensions are ignored. The context
    chooses one band for the whole event, input and output alike. A dimension of
    quantity 0 or of price 0 makes a line of amount 0. Where the card prices `requests`,
    an event that does not state them is one.

    :raises UnratableError: if any part of the event cannot be priced.
    """
    prices = card.models.get(model) if model else None
    if prices is None:
        detail = f"The card has no model {model!r}." if model else "No model is stated."
        raise UnratableError(Reason.UNKNOWN_MODEL, detail)
    quantities = _read_quantities(prices, properties)
    rates = _choose_band(prices, context_tokens(quantities)).rates
    return tuple(
        _charge(rate, quantities[rate.dimension])
        for rate in rates
        if rate.dimension in quantities
    )


def _read_quantities(
    prices: CompiledModel, properties: Mapping[str, object]
) -> dict[str, Decimal]:
    """Return every quantity the event states, once each non-zero one has a rate."""
    priced = prices.dimensions
    quantities = {
        name: read_quantity(name, value)
        for name, value in properties.items()
        if name in priced or is_dimension(name)
    }
    if REQUESTS in priced:
        quantities.setdefault(REQUESTS, _ONE)
    _require_rates(prices, quantities)
    return quantities


def read_quantity(name: str, value: object) -> Decimal:
    """Return a quantity as a decimal; floats, booleans and nulls are not numbers here.

    Text counts if it is a plain decimal, as clients of OpenMeter send it.

    :raises UnratableError: if it is no number, or none that can be stored.
    """
    # Not `isinstance`, since True is an int and would be charged as one token.
    if type(value) is int and 0 <= value < _TOO_MANY:
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    if isinstance(value, Decimal) and _fits(value):
        return value
    detail = (
        f"{name} must be a number from 0 with {_DIGITS} digits and {SCALE} decimals "
        "at most."
    )
    raise UnratableError(Reason.BAD_QUANTITY, detail)


def _fits(value: Decimal) -> bool:
    """Tell whether a quantity can be stored as it is."""
    if not value.is_finite() or value.is_signed() or value >= _TOO_MANY:
        return False
    return exact(value) == value


def _require_rates(prices: CompiledModel, quantities: Mapping[str, Decimal]) -> None:
    """Refuse an event that would be given away, in part or as a whole."""
    priced = prices.dimensions
    unpriced = [
        name for name, quantity in quantities.items() if quantity and name not in priced
    ]
    if unpriced:
        names = ", ".join(unpriced)
        detail = f"{prices.name} has no rate for {names}."
        raise UnratableError(Reason.UNPRICED_DIMENSION, detail)
    if priced.isdisjoint(quantities):
        names = ", ".join(sorted(priced))
        detail = f"The event states nothing that {prices.name} has a rate for: {names}."
        raise UnratableError(Reason.NO_PRICED_DIMENSION, detail)


def _choose_band(prices: CompiledModel, context: Decimal) -> CompiledBand:
    """Return the first band that holds the context; its upper bound is included."""
    for band in prices.bands:
        if band.max_tokens is None or context <= band.max_tokens:
            return band
    detail = (
        f"The context of {as_text(context)} tokens is above the last band of "
        f"{prices.name}, which ends at {prices.bands[-1].max_tokens}."
    )
    raise UnratableError(Reason.CONTEXT_ABOVE_BANDS, detail)


def _charge(rate: CompiledRate, quantity: Decimal) -> ChargeLine:
    """Price one quantity, rounding only where the stored amount ends."""
    amount = WIDE.multiply(quantity, rate.cost)
    if rate.divisor != 1:
        amount = WIDE.divide(amount, rate.divisor)
    return ChargeLine(
        rate.dimension,
        rate.rate_id,
        rate.band_id,
        quantity,
        rate.unit,
        rate.unit_name,
        rate.unit_price,
        rate.multiplier,
        _storable(amount, rate.dimension),
    )


def _storable(amount: Decimal, dimension: str) -> Decimal:
    """Return an amount to 18 decimal places."""
    if amount >= _TOO_MANY:
        detail = f"{dimension} costs more than one call can be billed."
        raise UnratableError(Reason.BAD_QUANTITY, detail)
    return exact(amount)
