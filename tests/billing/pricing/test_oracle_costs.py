"""Oracle cases A: what one request costs, as two packages have it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.pricing.rating import compile_card, rate_usage
from billing.pricing.versions import select_version
from billing.pricing.yaml_form import parse_card
from tests.billing.pricing.oracle_cases import CASES, Case
from tests.billing.pricing.oracles import catalogue_card, cost_of, example_costs

# LiteLLM finds no tier for a request without input, and gives its output away.
FREE_BY_MISTAKE = {"103"}


def is_near(cost: Decimal, expected: str) -> bool:
    return abs(cost - Decimal(expected)) <= Decimal(expected) * Decimal("1e-9")


def test_every_cost_that_two_packages_agree_on_is_ours_to_the_last_digit() -> None:
    agreed = [row for row in example_costs() if row["agree"] == "1"]

    different = [
        row
        for row in agreed
        if cost_of(row, catalogue_card()) != Decimal(row["genai_usd"])
        or not is_near(cost_of(row, catalogue_card()), row["litellm_usd"])
    ]

    assert len(agreed) == 263
    assert different == []


def test_where_they_differ_ours_is_that_of_the_package_whose_prices_are_imported() -> (
    None
):
    rest = [row for row in example_costs() if row["agree"] != "1"]

    different = {
        row["id"]
        for row in rest
        if not is_near(cost_of(row, catalogue_card()), row["litellm_usd"])
    }

    assert len(rest) == 37
    assert different == FREE_BY_MISTAKE


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_request_costs_what_two_packages_say(case: Case) -> None:
    assert case.cost(catalogue_card()) == Decimal(case.expected)


@pytest.mark.parametrize(
    ("case", "day", "expected"), [("A22", 29, "2.00"), ("A23", 30, "0.40")]
)
def test_a22_and_a23_a_price_is_valid_from_a_date(
    case: str, day: int, expected: str
) -> None:
    text = "model: gpt-5.6-luna\nrates:\n  - dimension: input_tokens\n"
    earlier, later = (
        compile_card(parse_card(f"{text}    unit: 1000000 tokens\n    price_usd: {p}"))
        for p in ("2", "0.4")
    )
    first, change = (datetime(2026, month, 30, tzinfo=UTC) for month in (1, 7))
    at = datetime(2026, 7, day, 23, 59, tzinfo=UTC) if day == 29 else change

    card = select_version([(first, earlier), (change, later)], at)

    assert card
    (line,) = rate_usage(card, "gpt-5.6-luna", {"input_tokens": 10**6})
    assert line.amount == Decimal(expected), case


def test_a25_usage_and_its_context_may_be_fractional() -> None:
    card = parse_card(
        "model: m\nrates:\n"
        "  - dimension: input_tokens\n    unit: 1000000 tokens\n    price_usd: 1\n"
        "  - dimension: input_tokens\n    unit: 1000000 tokens\n    price_usd: 2\n"
        "    when:\n      context_above: 100\n"
    )

    (line,) = rate_usage(compile_card(card), "m", {"input_tokens": "100.5"})

    assert line.amount == Decimal("0.000201")
