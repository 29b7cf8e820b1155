"""Oracle cases A: what one request costs, as two packages have it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.pricing.rating import compile_card, rate_usage
from billing.pricing.versions import select_version
from billing.pricing.yaml_form import parse_card
from ledger.money import total
from tests.billing.pricing.oracles import (
    TOTALS,
    as_event,
    catalogue_card,
    example_costs,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
# LiteLLM finds no tier for a request without input, and gives its output away.
FREE_BY_MISTAKE = {"103"}


def cost(model: str, event: Mapping[str, object], at: datetime = NOON) -> Decimal:
    lines = rate_usage(catalogue_card(), model, {**TOTALS, **event}, at)
    return total(line.amount for line in lines)


def cost_of(row: Mapping[str, str]) -> Decimal:
    usage = as_event(json.loads(row["usage_json"]))
    at = datetime.fromisoformat(row["timestamp_utc"])
    lines = rate_usage(catalogue_card(), row["model"], usage, at)
    return total(line.amount for line in lines)


def is_near(cost: Decimal, expected: str) -> bool:
    return abs(cost - Decimal(expected)) <= Decimal(expected) * Decimal("1e-9")


def test_every_cost_that_two_packages_agree_on_is_ours_to_the_last_digit() -> None:
    agreed = [row for row in example_costs() if row["agree"] == "1"]

    different = [
        row
        for row in agreed
        if cost_of(row) != Decimal(row["genai_usd"])
        or not is_near(cost_of(row), row["litellm_usd"])
    ]

    assert len(agreed) == 263
    assert different == []


def test_where_they_differ_ours_is_that_of_the_package_whose_prices_are_imported() -> (
    None
):
    rest = [row for row in example_costs() if row["agree"] != "1"]

    different = {
        row["id"] for row in rest if not is_near(cost_of(row), row["litellm_usd"])
    }

    assert len(rest) == 37
    assert different == FREE_BY_MISTAKE


def test_a1_input_and_output() -> None:
    assert cost("gpt-4o", {"input_tokens": 1000, "output_tokens": 100}) == Decimal(
        "0.0035"
    )


def test_a2_cached_input_costs_half() -> None:
    event = {"input_tokens": 10_000, "cached_input_tokens": 8192, "output_tokens": 500}

    assert cost("gpt-4o", event) == Decimal("0.01976")


def test_a3_one_token_of_each_is_below_a_millionth() -> None:
    amount = cost("gpt-4o-mini", {"input_tokens": 1, "output_tokens": 1})

    assert amount == Decimal("0.00000075")


def test_a4_a_context_at_the_threshold_costs_the_base_price() -> None:
    amount = cost("gpt-5.4", {"input_tokens": 272_000, "output_tokens": 1000})

    assert amount == Decimal("0.695")


def test_a5_one_token_more_moves_all_of_the_call_to_the_tier() -> None:
    amount = cost("gpt-5.4", {"input_tokens": 272_001, "output_tokens": 1000})

    assert amount == Decimal("1.382505")


def test_a6_cached_input_counts_towards_the_tier() -> None:
    event = {
        "input_tokens": 300_000,
        "cached_input_tokens": 250_000,
        "output_tokens": 100_000,
    }

    assert cost("gpt-5.4", event) == Decimal("2.625")


def test_a7_what_the_cache_writes_has_its_own_tier() -> None:
    event = {
        "input_tokens": 300_000,
        "cached_input_tokens": 50_000,
        "cache_write_5m_tokens": 100_000,
        "output_tokens": 10_000,
    }

    assert cost("gpt-5.6-sol", event) == Decimal("2.54")


def test_a8_another_provider_has_its_threshold_at_200_000() -> None:
    assert cost("vertex_ai/claude-sonnet-4-5", {"input_tokens": 200_000}) == Decimal(
        "0.60"
    )


def test_a10_and_charges_more_above_it() -> None:
    event = {"input_tokens": 300_000, "output_tokens": 100_000}

    assert cost("vertex_ai/claude-sonnet-4-5", event) == Decimal("4.05")


def test_a11_plain_input_and_three_cache_prices() -> None:
    event = {
        "input_tokens": 5800,
        "cached_input_tokens": 5000,
        "cache_write_5m_tokens": 500,
        "cache_write_1h_tokens": 200,
        "output_tokens": 50,
    }

    assert cost("claude-sonnet-4-6", event) == Decimal("0.005625")


def test_a12_a_threshold_of_100_000() -> None:
    amount = cost("claude-haiku-5-5", {"input_tokens": 100_000, "output_tokens": 1000})

    assert amount == Decimal("0.0105")


def test_a14_half_of_a_long_context_is_cached() -> None:
    event = {
        "input_tokens": 200_001,
        "cached_input_tokens": 100_000,
        "output_tokens": 8000,
    }

    assert cost("gemini/gemini-2.5-pro", event) == Decimal("0.3950025")


def test_a15_audio_input_is_dearer_than_text() -> None:
    event = {"input_tokens": 10_000, "audio_input_tokens": 4000, "output_tokens": 500}

    assert cost("gemini/gemini-2.5-flash", event) == Decimal("0.00705")


def test_a16_audio_in_and_out() -> None:
    event = {
        "input_tokens": 2000,
        "audio_input_tokens": 1500,
        "output_tokens": 1000,
        "audio_output_tokens": 800,
    }

    assert cost("gpt-audio", event) == Decimal("0.10245")


def test_a17_one_provider_charges_more_at_the_threshold_itself() -> None:
    amount = cost("xai/grok-4.3", {"input_tokens": 200_000, "output_tokens": 1000})

    assert amount == Decimal("0.505")


@pytest.mark.parametrize(
    ("case", "time", "expected"),
    [
        ("A18", "00:59:59", "0.75"),
        ("A19", "01:00:00", "1.50"),
        ("A20", "04:00:00", "0.75"),
    ],
)
def test_a18_to_a20_the_peak_includes_its_start_and_not_its_end(
    case: str, time: str, expected: str
) -> None:
    at = datetime.fromisoformat(f"2026-11-24T{time}Z")
    event = {"input_tokens": 10**6, "output_tokens": 10**6}

    assert cost("deepseek/deepseek-flash", event, at) == Decimal(expected), case


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
