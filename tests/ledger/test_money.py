from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, FloatOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import (
    WIDE,
    ZERO,
    AmountTooLargeError,
    MoneyError,
    NotAnAmountError,
    UnknownCurrencyError,
    allocate,
    as_text,
    exact,
    exact_up,
    floor_to_step,
    format_exact,
    format_money,
    minor_units,
    round_to_currency,
    smallest_coin,
    total,
)

LARGEST = Decimal("99999999999999999999.999999999999999999")

amounts = st.decimals(-(10**9), 10**9, places=18)
currencies = st.sampled_from(["JPY", "USD", "KWD", "CLF"])


def decimals(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


class TestOneWay:
    @pytest.mark.parametrize(
        ("amount", "currency", "rounded"),
        [
            ("49.999", "USD", "49.99"),
            ("49.99", "USD", "49.99"),
            ("-0.001", "USD", "-0.01"),
            ("0.9", "JPY", "0"),
        ],
    )
    def test_down_is_never_above(
        self, amount: str, currency: str, rounded: str
    ) -> None:
        assert str(floor_to_step(Decimal(amount), smallest_coin(currency))) == rounded

    @given(amounts, st.integers(1, 999))
    def test_up_is_the_least_that_is_not_below(
        self, amount: Decimal, divisor: int
    ) -> None:
        quotient = WIDE.divide(amount, Decimal(divisor))

        stored = exact_up(quotient)

        assert WIDE.subtract(stored, Decimal("1e-18")) < quotient <= stored


class TestExact:
    def test_keeps_eighteen_decimal_places(self) -> None:
        assert str(exact(Decimal("0.014232"))) == "0.014232000000000000"

    @pytest.mark.parametrize(
        ("value", "stored"), [("5", "0"), ("15", "2"), ("25", "2"), ("25.1", "3")]
    )
    def test_rounds_a_half_to_even(self, value: str, stored: str) -> None:
        tenth = Decimal("1E-19")

        assert exact(Decimal(value) * tenth) == Decimal(stored) * 10 * tenth

    def test_keeps_every_digit_of_the_largest_amount(self) -> None:
        assert exact(LARGEST) == LARGEST

    def test_refuses_an_amount_that_cannot_be_stored(self) -> None:
        with pytest.raises(AmountTooLargeError, match="38 digits, 18 of them"):
            exact(Decimal(10**20))


@pytest.mark.parametrize("value", [*decimals("NaN", "sNaN", "Infinity"), 0.5, 1, "1"])
@pytest.mark.parametrize(
    "use",
    [
        exact,
        as_text,
        lambda value: total([value]),
        lambda value: round_to_currency(value, "USD"),
        lambda value: allocate([value], "USD"),
        lambda value: format_money(value, "USD"),
        lambda value: format_exact(value, "USD"),
    ],
)
def test_what_is_no_finite_decimal_is_refused(
    use: Callable[[object], object], value: object
) -> None:
    with pytest.raises(NotAnAmountError, match="is not a finite decimal amount"):
        use(value)


def test_every_refusal_is_a_money_error() -> None:
    for error in (NotAnAmountError, AmountTooLargeError, UnknownCurrencyError):
        assert issubclass(error, MoneyError)


def test_no_float_enters_the_arithmetic() -> None:
    with pytest.raises(FloatOperation):
        WIDE.create_decimal(0.5)


class TestTotal:
    def test_adds_up(self) -> None:
        assert total(decimals("0.1", "0.2", "-0.05")) == Decimal("0.25")

    def test_of_nothing_is_zero(self) -> None:
        assert total([]) == ZERO

    def test_loses_no_digit(self) -> None:
        assert total([LARGEST, Decimal("1E-18")]) == Decimal(10**20)


class TestMinorUnits:
    @pytest.mark.parametrize(
        ("currency", "places"), [("JPY", 0), ("USD", 2), ("KWD", 3), ("CLF", 4)]
    )
    def test_are_those_of_iso_4217(self, currency: str, places: int) -> None:
        assert minor_units(currency) == places

    @pytest.mark.parametrize("currency", ["ZZZ", "usd", ""])
    def test_of_an_unknown_currency_are_refused(self, currency: str) -> None:
        with pytest.raises(UnknownCurrencyError, match="is not a currency"):
            minor_units(currency)


class TestRoundToCurrency:
    @pytest.mark.parametrize(
        ("amount", "currency", "rounded"),
        [
            ("0.014232", "USD", "0.01"),
            ("0.005", "USD", "0.01"),
            ("0.015", "USD", "0.02"),
            ("-0.005", "USD", "-0.01"),
            ("0.004999999999999999", "USD", "0.00"),
            ("-0.004", "USD", "0.00"),
            ("1234.5", "JPY", "1235"),
            ("1.2345", "KWD", "1.235"),
        ],
    )
    def test_rounds_halves_away_from_zero(
        self, amount: str, currency: str, rounded: str
    ) -> None:
        assert str(round_to_currency(Decimal(amount), currency)) == rounded

    @pytest.mark.parametrize(
        ("price", "credit", "tax", "whole"),
        [
            ("160.00", "154.67", "38.67", "193.34"),
            ("200.00", "193.33", "48.33", "241.66"),
        ],
    )
    def test_credits_29_of_30_days_and_their_tax_as_lago_does(
        self, price: str, credit: str, tax: str, whole: str
    ) -> None:
        exactly = WIDE.divide(Decimal(price) * 29, Decimal(30))

        item = round_to_currency(exactly, "USD")
        on_top = round_to_currency(item * Decimal("0.25"), "USD")

        assert [str(item), str(on_top)] == [credit, tax]
        assert str(item + on_top) == whole


class TestAllocate:
    def test_rounds_a_sum_and_so_is_not_for_a_tax_on_a_rounded_item(self) -> None:
        item = WIDE.divide(Decimal(160 * 29), Decimal(30))

        lines = allocate([item, WIDE.multiply(item, Decimal("0.25"))], "USD")

        # The sum is 193.3333…, a cent less than 154.67 and 38.67.
        assert total(lines) == Decimal("193.33")

    def test_gives_the_missing_cent_to_the_line_that_lost_most(self) -> None:
        lines = allocate(decimals("0.333", "0.338", "0.329"), "USD")

        assert lines == decimals("0.33", "0.34", "0.33")

    def test_gives_among_equals_to_the_earlier_line(self) -> None:
        lines = allocate(decimals("0.335", "0.335", "0.335", "0.335"), "USD")

        assert lines == decimals("0.34", "0.34", "0.33", "0.33")

    def test_leaves_whole_lines_alone(self) -> None:
        lines = allocate(decimals("1", "0", "0.006", "-2.50"), "USD")

        assert lines == decimals("1", "0", "0.01", "-2.50")

    def test_allocates_nothing_to_no_lines(self) -> None:
        assert allocate([], "USD") == []

    @given(st.lists(amounts, max_size=20), currencies)
    def test_adds_up_to_the_rounded_sum(
        self, lines: list[Decimal], currency: str
    ) -> None:
        allocated = allocate(lines, currency)

        assert total(allocated) == round_to_currency(total(lines), currency)

    @given(st.lists(amounts, max_size=20), currencies)
    def test_moves_no_line_by_a_whole_coin(
        self, lines: list[Decimal], currency: str
    ) -> None:
        allocated = allocate(lines, currency)

        coin = Decimal(1).scaleb(-minor_units(currency))
        for before, after in zip(lines, allocated, strict=True):
            assert abs(after - before) < coin


@given(amounts)
def test_rounding_agrees_with_decimals_own(amount: Decimal) -> None:
    assert round_to_currency(amount, "USD") == amount.quantize(
        Decimal("0.01"), ROUND_HALF_UP
    )
