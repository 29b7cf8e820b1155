"""Amounts as pages, files and answers write them."""

from decimal import Decimal

import pytest
from hypothesis import given

from ledger.money import (
    AmountTooLargeError,
    as_text,
    format_exact,
    format_money,
    format_quantity,
)
from tests.ledger.test_money import LARGEST, amounts


class TestFormatMoney:
    @pytest.mark.parametrize(
        ("amount", "currency", "text"),
        [
            ("1234.56", "USD", "$1,234.56"),
            ("-0.5", "USD", "-$0.50"),
            ("-0.001", "USD", "$0.00"),
            ("1234.5", "JPY", "¥1,235"),
            ("1.2345", "KWD", "KWD1.235"),
            ("7", "EUR", "€7.00"),
        ],
    )
    def test_rounds_to_the_currency(
        self, amount: str, currency: str, text: str
    ) -> None:
        assert format_money(Decimal(amount), currency) == text


class TestFormatExact:
    @pytest.mark.parametrize(
        ("amount", "currency", "text"),
        [
            ("0.000825", "USD", "$0.000825"),
            ("0.0142320000", "USD", "$0.014232"),
            ("5", "USD", "$5.00"),
            ("-0.0005", "USD", "-$0.0005"),
            ("0.5", "JPY", "¥0.5"),
            ("12", "JPY", "¥12"),
        ],
    )
    def test_shows_every_digit(self, amount: str, currency: str, text: str) -> None:
        assert format_exact(Decimal(amount), currency) == text

    def test_shows_every_digit_of_the_largest_amount(self) -> None:
        shown = format_exact(LARGEST, "USD")

        assert shown == "$99,999,999,999,999,999,999.999999999999999999"


class TestAsText:
    @pytest.mark.parametrize(
        ("amount", "text"),
        [
            ("0.0142320", "0.014232"),
            ("3E-7", "0.0000003"),
            ("1E+3", "1000"),
            ("100", "100"),
            ("0.000000000000000000", "0"),
            ("-0", "0"),
            ("-1.50", "-1.5"),
        ],
    )
    def test_is_the_shortest_plain_decimal(self, amount: str, text: str) -> None:
        assert as_text(Decimal(amount)) == text

    @pytest.mark.parametrize("amount", ["1E-100000000", "-1E-120", "1E+120"])
    def test_refuses_what_no_page_has_room_for(self, amount: str) -> None:
        with pytest.raises(AmountTooLargeError, match="at most 120 digits"):
            as_text(Decimal(amount))

    @given(amounts)
    def test_reads_back_as_the_same_amount(self, amount: Decimal) -> None:
        assert Decimal(as_text(amount)) == amount


@pytest.mark.parametrize(
    ("number", "text"),
    [("1083", "1,083"), ("1083.500", "1,083.5"), ("0.000825", "0.000825"), ("0", "0")],
)
def test_a_quantity_is_shown_in_groups_with_every_digit(number: str, text: str) -> None:
    assert format_quantity(Decimal(number)) == text
