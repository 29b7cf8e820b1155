"""Amounts as Stripe writes them: whole numbers of a currency's smallest unit. Pure."""

from decimal import Decimal
from typing import Final

from invoices.payments import ProviderError
from ledger.money import WIDE, as_text, floor_to_step, minor_units, smallest_coin

# Where Stripe departs from ISO 4217, as its page on currencies says.
_PLACES: Final = {"ISK": 2, "MGA": 0, "UGX": 2}
_PLACES_OF_THOUSANDTHS: Final = 3


class UnpayableAmountError(ProviderError):
    """The amount is too fine to be paid by card in its currency."""


def to_units(amount: Decimal, currency: str) -> int:
    """Return an amount in the smallest units: 50.00 USD is 5000, 500 JPY is 500.

    :raises UnpayableAmountError: if it is no multiple of what can be paid.
    """
    units = WIDE.scaleb(amount, _places(currency))
    if floor_to_step(amount, payable_step(currency)) != amount:
        message = f"{as_text(amount)} {currency} is too fine to be paid by card"
        raise UnpayableAmountError(message)
    return int(units)


def payable_step(currency: str) -> Decimal:
    """Return the least that can be paid in a currency, and of which all is a multiple.

    Banks settle currencies of three decimal places in hundredths. Others are written
    in hundredths, and have no such coins.
    """
    places = _places(currency)
    settled = places - 1 if places == _PLACES_OF_THOUSANDTHS else places
    return max(smallest_coin(currency), Decimal(1).scaleb(-settled))


def from_units(units: int, currency: str) -> Decimal:
    """Return what so many of a currency's smallest units are, exactly.

    :raises UnknownCurrencyError: if the currency is not in ISO 4217, in capitals.
    """
    return WIDE.scaleb(Decimal(units), -_places(currency))


def _places(currency: str) -> int:
    known = minor_units(currency)
    return _PLACES.get(currency, known)
