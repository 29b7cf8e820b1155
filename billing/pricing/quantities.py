"""Own the numbers an event states, and the reasons why an event has no price."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ledger.money import SCALE, exact

# Far above any real call, and far enough below the columns' ends that no customer's
# calls can add up to more than a wallet holds.
_DIGITS: Final = 12
TOO_MANY: Final = 10**_DIGITS

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
    PARTS_EXCEED_TOTAL = "parts_exceed_total"
    UNKNOWN_USAGE = "unknown_usage_shape"
    NO_TIME = "no_time"


# What was posted is at fault, and stays as it is: no version of a card cures these.
INCURABLE: Final = frozenset(
    {Reason.BAD_QUANTITY, Reason.PARTS_EXCEED_TOTAL, Reason.UNKNOWN_USAGE}
)


class UnratableError(Exception):
    """Refuse to price an event, with the reason and a sentence for an operator."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep the reason, which is for programs, beside the sentence for people."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class PartsExceedTotalError(UnratableError):
    """Refuse an event that contradicts itself; `field` is the property at fault."""

    def __init__(self, field: str, detail: str) -> None:
        """Keep the field, so that the caller is told where to look."""
        super().__init__(Reason.PARTS_EXCEED_TOTAL, detail)
        self.field = field


def read_quantity(name: str, value: object) -> Decimal:
    """Return a quantity as a decimal; floats, booleans and nulls are not numbers here.

    Text counts if it is a plain decimal, as clients of OpenMeter send it.

    :raises UnratableError: if it is no number, or none that can be stored.
    """
    # Not `isinstance`, since True is an int and would be charged as one token.
    if type(value) is int and 0 <= value < TOO_MANY:
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
    if not value.is_finite() or value.is_signed() or value >= TOO_MANY:
        return False
    return exact(value) == value
