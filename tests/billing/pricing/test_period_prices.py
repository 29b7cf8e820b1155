"""Prices that depend on the period, from the YAML of a card to the charge."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.card import Card, CardError, ModelPrices, Rate
from billing.pricing.period_prices import PeriodMode, PeriodPrice, Used
from billing.pricing.rating import (
    ChargeLine,
    UnratableError,
    compile_card,
    rate_event,
)
from billing.pricing.tiers import Tier
from billing.pricing.yaml_form import CardSyntaxError, format_card, parse_card
from ledger.money import ZERO, total
from tests.billing.pricing.period_strategies import (
    period_cards,
    period_rates,
    quantities,
)
from tests.make import row

GRADUATED = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    per_period: graduated
    tiers:
      - up_to: 10
        price_usd: 10
        flat_usd: 2
      - up_to: 20
        price_usd: 5
        flat_usd: 3
      - price_usd: 5
        flat_usd: 3
"""


def charges(text: str, *quantities: str, used: Used | None = None) -> list[ChargeLine]:
    card = compile_card(parse_card(text))
    counted: Used = {} if used is None else used
    return [
        line
        for quantity in quantities
        for line in rate_event(
            card, "m", {"images": quantity}, at=None, used=counted
        ).lines
    ]


def amount(text: str, *quantities: str) -> Decimal:
    return total(line.amount for line in charges(text, *quantities))


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("0", 2), ("1", 12), ("10", 102), ("11", 110), ("12", 115), ("21", 163)],
)
def test_b1_graduated_prices_with_a_flat_one_for_each_tier(
    quantity: str, expected: int
) -> None:
    assert amount(GRADUATED, quantity) == expected


def test_a_call_that_crosses_a_bound_is_split_there() -> None:
    [first, second] = charges(GRADUATED, "9", "3")[1:]

    assert (first.tier, first.quantity, first.amount) == row(1, 1, 10)
    assert (second.tier, second.quantity, second.amount) == row(2, 2, 13)


def test_the_bound_itself_belongs_to_the_lower_tier() -> None:
    assert [line.tier for line in charges(GRADUATED, "10", "1")] == [1, 2]


def test_calls_of_one_moment_cost_what_their_sum_does() -> None:
    assert amount(GRADUATED, *["1"] * 21) == amount(GRADUATED, "21") == 163


LAST = """\
      - price_usd: 5
        flat_usd: 3
"""
VOLUME = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    per_period: volume
    tiers:
      - up_to: 15
        price_usd: 10
      - price_usd: 5
"""


def test_a_volume_price_is_that_of_the_tier_reached_so_far() -> None:
    lines = charges(VOLUME, "15", "1", "4")

    assert [(line.tier, line.amount) for line in lines] == [
        row(1, 150),
        row(2, 5),
        row(2, 20),
    ]


PACKAGE = """\
model: m
rates:
  - dimension: images
    unit: 100 images
    per_period: package
    free_per_period: 50
    price_usd: 3
"""


def test_a_package_that_is_begun_is_paid_whole_and_once() -> None:
    lines = charges(PACKAGE, "60", "89", "1", "1")

    free, *rest = lines
    assert (free.tier, free.quantity, free.amount) == row(0, 50, 0)
    assert [(line.quantity, line.billed, line.amount) for line in rest] == [
        row(10, 100, 3),
        row(89, 0, 0),
        row(1, 0, 0),
        row(1, 100, 3),
    ]


def test_what_is_free_comes_before_the_price() -> None:
    text = PACKAGE.replace("    per_period: package\n", "")

    lines = charges(text, "40", "20")

    assert [(line.tier, line.quantity) for line in lines] == [
        row(0, 40),
        row(0, 10),
        row(1, 10),
    ]
    assert amount(text, "40", "20") == Decimal("0.3")


def test_a_refused_event_counts_as_no_use() -> None:
    card = compile_card(parse_card(GRADUATED))
    used: Used = {}

    with pytest.raises(UnratableError, match="no rate for audio_input_tokens"):
        rate_event(
            card, "m", {"images": 5, "audio_input_tokens": 1}, at=None, used=used
        )

    assert used == {}


def test_an_event_that_costs_too_much_counts_as_no_use() -> None:
    dear = "  - dimension: pages\n    unit: 1 page\n    price_usd: 999999999999\n"
    card = compile_card(parse_card(GRADUATED + dear))
    used: Used = {}

    with pytest.raises(UnratableError, match="costs more than"):
        rate_event(card, "m", {"images": 5, "pages": 99}, at=None, used=used)

    assert used == {}


@pytest.mark.parametrize(
    "tiers",
    [
        (Tier(Decimal(5), Decimal(1)), Tier(None, Decimal(1))),
        (Tier(None, Decimal(1), Decimal(1)),),
    ],
)
def test_a_package_has_one_price(tiers: tuple[Tier, ...]) -> None:
    period = PeriodPrice(PeriodMode.PACKAGE, tiers)

    with pytest.raises(CardError, match="package has one price"):
        ModelPrices("m", (Rate("images", 1, "image", Decimal(1), period=period),))


def test_tiers_are_at_most_a_hundred() -> None:
    tiers = tuple(Tier(Decimal(bound), ZERO) for bound in range(1, 101))
    period = PeriodPrice(PeriodMode.GRADUATED, (*tiers, Tier(None)))

    with pytest.raises(CardError, match="must be 1 to 100 tiers"):
        ModelPrices("m", (Rate("images", 1, "image", Decimal(1), period=period),))


@pytest.mark.parametrize(
    ("written", "instead", "complaint"),
    [
        ("up_to: 20", "up_to: 10", "line 10: up_to must be above 10"),
        ("up_to: 20", "up_to: -1", "line 10: up_to must not be negative"),
        ("up_to: 20", "up_to: x", "line 10: up_to must be a decimal number"),
        ("price_usd: 10", "price_usd: -1", "line 8: price_usd must not be negative"),
        ("flat_usd: 2", "flat_usd: -2", "line 9: flat_usd must not be negative"),
        ("flat_usd: 2", "flat_eur: 2", "line 9: flat_eur must be flat_usd"),
        ("flat_usd: 2", "flat: 2", "line 9: flat is not a field here"),
        ("graduated", "progressive", "line 5: per_period must be graduated"),
        ("graduated", "package", "line 5: per_period package takes one price"),
        (LAST, "", "line 10: up_to must be left out in the last tier"),
        ("    per_period: graduated\n", "", "line 3: per_period is missing"),
    ],
)
def test_a_mistake_in_the_tiers_is_named_with_its_line(
    written: str, instead: str, complaint: str
) -> None:
    with pytest.raises(CardSyntaxError) as caught:
        parse_card(GRADUATED.replace(written, instead, 1))

    assert str(caught.value).startswith(complaint)


def test_a_mode_that_needs_tiers_has_some() -> None:
    text = PACKAGE.replace("package", "volume")

    with pytest.raises(CardSyntaxError, match="line 5: per_period volume needs tiers"):
        parse_card(text)


def test_a_tier_without_a_bound_is_the_last() -> None:
    with pytest.raises(CardSyntaxError, match="line 7: price_usd needs up_to"):
        parse_card(GRADUATED.replace("- up_to: 10\n        price", "- price"))


@given(period_cards())
def test_a_card_is_read_back_as_it_was_written(card: Card) -> None:
    text = format_card(card)

    assert parse_card(text) == card
    assert format_card(parse_card(text)) == text


@given(period_rates(), st.lists(quantities, min_size=1, max_size=6))
def test_a_period_costs_the_same_however_its_calls_are_split(
    rate: Rate, parts: list[Decimal]
) -> None:
    if rate.period and rate.period.mode is PeriodMode.VOLUME:
        # What it charged before is trued up at the end of the period.
        return
    card = compile_card(Card("USD", (ModelPrices("m", (rate,)),)))
    used: Used = {}

    split = [
        line.amount
        for part in parts
        for line in rate_event(card, "m", {"images": part}, at=None, used=used).lines
    ]

    whole = rate_event(card, "m", {"images": total(parts)}, at=None).lines
    expected = total(line.amount for line in whole)
    assert abs(total(split) - expected) <= len(split) * Decimal("1e-18")


@given(period_rates(), quantities, quantities)
def test_more_never_costs_less(rate: Rate, one: Decimal, other: Decimal) -> None:
    if rate.period and rate.period.mode is PeriodMode.VOLUME:
        return
    card = compile_card(Card("USD", (ModelPrices("m", (rate,)),)))

    less, more = (
        total(
            line.amount
            for line in rate_event(card, "m", {"images": each}, at=None).lines
        )
        for each in sorted((one, other))
    )

    assert less <= more
