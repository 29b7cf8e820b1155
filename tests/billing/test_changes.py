"""How a difference is told: by amount, by sign, and as a share."""

from decimal import Decimal

import pytest

from billing.admin.backtest_tables import MOST_ROWS, list_tables
from billing.queries.backtests import BacktestReport, Change, CustomerChange
from billing.templatetags.changes import readable, signed_percent, signed_readable


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [
        ("3", "4", "+33.33%"),
        ("4", "3", "-25.00%"),
        ("4", "4", "0.00%"),
        ("400000", "399999", "0.00%"),
        ("0", "4", "–"),
    ],
)
def test_a_share_is_of_what_was_charged(before: str, after: str, percent: str) -> None:
    change = Change(Decimal(before), Decimal(after))

    assert signed_percent(change.percent) == percent


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1234.567", "$1,234.57"), ("0.0004", "$0.0004"), ("0", "$0.00")],
)
def test_what_is_less_than_a_cent_is_not_nothing(amount: str, text: str) -> None:
    assert readable(Decimal(amount), "USD") == text


@pytest.mark.parametrize(
    ("amount", "text"), [("0.5", "+$0.50"), ("-0.5", "-$0.50"), ("0", "$0.00")]
)
def test_a_difference_has_a_sign(amount: str, text: str) -> None:
    assert signed_readable(Decimal(amount), "USD") == text


def test_a_page_says_what_it_leaves_out() -> None:
    change = CustomerChange(Decimal(1), Decimal(2), "cus_abc123", "Example Labs")

    [table] = list_tables(BacktestReport([change] * (MOST_ROWS + 1), [], []), "USD")

    assert len(table.rows) == MOST_ROWS
    assert table.note.endswith("1 more row not shown: least difference.")
    assert table.total[1].text == "$201.00"
