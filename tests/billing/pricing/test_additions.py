import pytest

from billing.pricing.additions import only_adds
from billing.pricing.yaml_form import parse_card
from tests.billing.pricing.examples import SEED

OTHER = """\
---
model: other
rates:
  - dimension: images
    unit: 1 image
    price_usd: 2
"""
BAND = """\
      - max_tokens: 200000
        multiplier: 4
"""
RATE = """\
  - dimension: {}
    unit: 1 unit
    price_usd: 2
"""


def adds(later: str, *, to: str = SEED) -> bool:
    return only_adds(parse_card(later), to=parse_card(to))


def with_rate(dimension: str) -> str:
    rates, window, bands = SEED.partition("  - dimension: context_window\n")
    return rates + RATE.format(dimension) + window + bands


def test_the_same_prices_add_nothing_else() -> None:
    assert adds(SEED)


def test_a_new_model_is_an_addition() -> None:
    assert adds(SEED + OTHER)


def test_a_model_that_is_gone_is_none() -> None:
    assert not adds(SEED, to=SEED + OTHER)


@pytest.mark.parametrize("dimension", ["audio_input_tokens", "images", "odd_tokens"])
def test_a_rate_that_calls_were_refused_for_is_an_addition(dimension: str) -> None:
    assert adds(with_rate(dimension))


@pytest.mark.parametrize("dimension", ["requests", "gold_stars", "cached_input_tokens"])
def test_a_rate_that_calls_went_without_is_none(dimension: str) -> None:
    assert not adds(with_rate(dimension))


def test_a_rate_of_what_only_a_part_of_the_output_had_is_an_addition() -> None:
    card = "model: m\nrates:\n" + RATE.format("reasoning_tokens")

    assert adds(card + RATE.format("output_tokens"), to=card)


def test_a_rate_that_would_price_cached_images_otherwise_is_none() -> None:
    card = "model: m\nrates:\n" + RATE.format("cached_input_tokens")

    assert not adds(card + RATE.format("image_input_tokens"), to=card)


def test_a_rate_with_conditions_is_one_only_where_there_was_none() -> None:
    card = "model: m\nrates:\n" + RATE.format("images")
    europe = "    when:\n      region: eu\n"

    assert not adds(card + RATE.format("images") + europe, to=card)
    assert adds(card + RATE.format("pages") + europe, to=card)
    assert adds(card + europe + RATE.format("images"), to=card + europe)


def test_a_model_that_had_the_default_prices_is_no_addition() -> None:
    default = OTHER.replace("other", '"*"')

    assert not adds(SEED + default + OTHER, to=SEED + default)
    assert adds(SEED + default, to=SEED)


def test_another_minimum_is_no_addition() -> None:
    assert not adds(SEED.replace("rates:", "minimum_usd: 1\nrates:"))


def test_a_rate_that_is_gone_is_none() -> None:
    assert not adds(SEED, to=with_rate("images"))


def test_a_band_above_the_last_is_an_addition() -> None:
    assert adds(SEED + BAND)


def test_a_band_that_is_gone_is_none() -> None:
    assert not adds(SEED, to=SEED + BAND)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.012", "0.0121"),
        ("1000 tokens", "1001 tokens"),
        ("multiplier: 3.2", "multiplier: 3.3"),
        ("max_tokens: 8192", "max_tokens: 8193"),
    ],
)
def test_another_number_is_no_addition(old: str, new: str) -> None:
    assert not adds(SEED.replace(old, new))


def test_bands_where_there_were_none_are_no_addition() -> None:
    without = SEED[: SEED.index("  - dimension: context_window")]

    assert not adds(SEED, to=without)
    assert not adds(without, to=SEED)
