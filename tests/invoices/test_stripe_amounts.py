from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.payments import ProviderError
from invoices.payments.stripe_amounts import (
    UnpayableAmountError,
    from_units,
    to_units,
)
from ledger.money import UnknownCurrencyError

# As Stripe's page on currencies says, where it departs from ISO 4217 too.
SAME = [
    ("50.00", "USD", 5000),
    ("0.01", "USD", 1),
    ("500", "JPY", 500),
    ("5.120", "KWD", 5120),
    ("5", "ISK", 500),
    ("5", "UGX", 500),
    ("5", "MGA", 5),
    ("10.45", "HUF", 1045),
]


@pytest.mark.parametrize(("amount", "currency", "units"), SAME)
def test_amounts_are_whole_numbers_of_the_smallest_unit(
    amount: str, currency: str, units: int
) -> None:
    assert to_units(Decimal(amount), currency) == units
    assert from_units(units, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("50.005", "USD"),
        ("500.5", "JPY"),
        ("5.124", "KWD"),
        ("5.5", "MGA"),
        ("5.5", "ISK"),
    ],
)
def test_what_is_too_fine_for_a_card_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(UnpayableAmountError, match=f"{amount} {currency} is too fine"):
        to_units(Decimal(amount), currency)

    assert issubclass(UnpayableAmountError, ProviderError)


@given(st.integers(0, 10**30), st.sampled_from(["USD", "JPY", "HUF"]))
def test_no_digit_is_lost(units: int, currency: str) -> None:
    assert to_units(from_units(units, currency), currency) == units


def test_another_currency_is_unknown() -> None:
    with pytest.raises(UnknownCurrencyError):
        from_units(1, "usd")
