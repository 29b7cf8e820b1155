from collections.abc import Mapping
from decimal import Decimal

import pytest

from billing.pricing.card import Card, ModelPrices, Rate
from billing.pricing.rating import (
    ChargeLine,
    UnratableError,
    compile_card,
    rate_usage,
)


def rule(price: str, dimension: str = "input_tokens") -> Rate:
    return Rate(dimension, 1, "token", Decimal(price))


def lines(prices: ModelPrices, event: Mapping[str, object]) -> tuple[ChargeLine, ...]:
    return rate_usage(compile_card(Card("USD", (prices,))), "m", event)


@pytest.mark.parametrize(
    ("part", "price"),
    [
        ("cached_input_tokens", 1),
        ("cache_write_5m_tokens", 1),
        ("cache_write_1h_tokens", 1),
        ("image_input_tokens", 1),
        ("cached_image_input_tokens", 1),
        ("cached_audio_input_tokens", 4),
        ("reasoning_tokens", 3),
    ],
)
def test_a_part_without_a_rate_costs_what_the_plain_tokens_do(
    part: str, price: int
) -> None:
    prices = ModelPrices(
        "m",
        (rule("1"), rule("3", "output_tokens"), rule("4", "audio_input_tokens")),
    )

    (line,) = lines(prices, {part: 2})

    assert line.dimension == part
    assert line.unit_price == price
    assert line.priced_as != part


def test_a_written_cache_of_an_hour_costs_at_least_one_of_five_minutes() -> None:
    prices = ModelPrices("m", (rule("1"), rule("2", "cache_write_5m_tokens")))

    (line,) = lines(prices, {"cache_write_1h_tokens": 1})

    assert line.priced_as == "cache_write_5m_tokens"


def test_cached_images_that_are_no_dearer_are_cached_tokens() -> None:
    prices = ModelPrices("m", (rule("2"), rule("1", "cached_input_tokens")))

    (line,) = lines(prices, {"cached_image_input_tokens": 1})

    assert line.priced_as == "cached_input_tokens"


@pytest.mark.parametrize(
    "part",
    [
        "audio_input_tokens",
        "cached_audio_input_tokens",
        "audio_output_tokens",
        "image_output_tokens",
        "video_output_tokens",
    ],
)
def test_what_is_dearer_than_text_needs_a_rate_of_its_own(part: str) -> None:
    prices = ModelPrices("m", (rule("1"), rule("3", "output_tokens")))

    with pytest.raises(UnratableError, match=f"m has no rate for {part}"):
        lines(prices, {part: 2})


def test_a_part_without_a_rate_stands_behind_the_plain_tokens() -> None:
    prices = ModelPrices("m", (rule("3", "output_tokens"), rule("1")))
    event = {"cached_input_tokens": 1, "input_tokens": 1, "output_tokens": 1}

    names = [line.dimension for line in lines(prices, event)]

    assert names == ["output_tokens", "input_tokens", "cached_input_tokens"]


def test_a_part_without_a_rate_and_without_tokens_makes_no_line() -> None:
    prices = ModelPrices("m", (rule("1"),))

    assert len(lines(prices, {"input_tokens": 0, "cached_input_tokens": 0})) == 1


def test_a_model_without_prices_of_its_own_has_the_default_ones() -> None:
    own = ModelPrices("m", (rule("1"),))
    default = ModelPrices("*", (rule("2"), rule("9", "images")))
    card = compile_card(Card("USD", (own, default)))

    (line,) = rate_usage(card, "unheard-of", {"images": 1})

    assert line.unit_price == 9
    with pytest.raises(UnratableError, match="m has no rate for images"):
        rate_usage(card, "m", {"images": 1})
    with pytest.raises(UnratableError, match="No model is stated"):
        rate_usage(card, "", {"images": 1})
