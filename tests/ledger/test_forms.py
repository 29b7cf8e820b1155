"""How amounts are typed: in plain digits, and as many as the database takes."""

from decimal import Decimal

import pytest
from django import forms

from ledger.admin import EDIT_EXACTLY
from ledger.forms import AmountField, find_amount
from ledger.models import ExactDecimalField

LARGEST = f"{'9' * 19}.{'9' * 18}"


@pytest.mark.parametrize("text", ["0", "12.50", " 7 ", "007", LARGEST])
def test_takes_plain_digits(text: str) -> None:
    assert AmountField().clean(text) == Decimal(text.strip())


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "1e3",
        "1E-100000000",
        "1_000",
        "1,000",
        "\uff11",
        "\u0663",
        "-1",
        "+1",
        ".5",
        "5.",
    ],
)
def test_takes_nothing_but_plain_digits(text: str) -> None:
    with pytest.raises(forms.ValidationError, match="In plain digits"):
        AmountField().clean(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1" * 20, "19 digits before the decimal point"),
        ("0." + "0" * 18 + "1", "18 decimal places"),
        ("1" * 1000, "In plain digits"),
        ("", "required"),
    ],
)
def test_takes_no_more_digits_than_are_stored(text: str, problem: str) -> None:
    with pytest.raises(forms.ValidationError, match=problem):
        AmountField().clean(text)


def test_may_be_left_empty_where_that_is_allowed() -> None:
    assert AmountField(required=False).clean("") is None


def test_is_what_every_exact_amount_of_the_admin_is_edited_in() -> None:
    field = ExactDecimalField().formfield(**EDIT_EXACTLY[ExactDecimalField])
    assert isinstance(field, AmountField)

    with pytest.raises(forms.ValidationError, match="19 digits"):
        field.clean("1" * 20)
    assert field.prepare_value(Decimal("2.500")) == "2.5"


def test_finds_the_amount_that_a_text_is() -> None:
    assert find_amount("2.5") == Decimal("2.5")
    assert find_amount("2.5.") is None
