from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from billing.pricing.card import (
    MOST_RATES,
    Band,
    Card,
    CardError,
    ModelPrices,
    Rate,
)
from billing.pricing.compiled import MOST_KINDS
from billing.pricing.conditions import read_when
from billing.pricing.rating import (
    ChargeLine,
    Reason,
    UnratableError,
    compile_card,
    rate_usage,
)

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def rule(price: str, dimension: str = "input_tokens", **when: str | list[str]) -> Rate:
    conditions = {n: [t] if isinstance(t, str) else t for n, t in when.items()}
    rate_id = int(Decimal(price) * 100)
    return Rate(
        dimension, 1, "token", Decimal(price), read_when(conditions), id=rate_id
    )


def lines(
    prices: ModelPrices, event: Mapping[str, object], at: datetime | None = MONDAY
) -> tuple[ChargeLine, ...]:
    return rate_usage(compile_card(Card("USD", (prices,))), "m", event, at)


def price_of(
    *rates: Rate, at: datetime | None = MONDAY, **properties: object
) -> Decimal:
    return price_with(properties, *rates, at=at)


def price_with(
    properties: Mapping[str, object], *rates: Rate, at: datetime | None = MONDAY
) -> Decimal:
    event = {"input_tokens": 1, **properties}
    return lines(ModelPrices("m", rates), event, at)[0].unit_price


def test_the_rate_whose_conditions_hold_is_charged_and_named() -> None:
    prices = ModelPrices("m", (rule("2"), rule("1", service_class="batch")))

    (line,) = lines(prices, {"input_tokens": 3, "service_class": "batch"})

    assert line.unit_price == 1
    assert line.rate_id == 100
    assert line.amount == 3


@pytest.mark.parametrize(
    ("properties", "price"),
    [
        ({}, 5),
        ({"service_class": "batch"}, 4),
        ({"service_class": "batch", "region": "eu"}, 2),
        ({"region": "eu"}, 3),
        ({"region": "us"}, 5),
        ({"region": ["eu"]}, 5),
    ],
)
def test_the_most_specific_rate_wins(properties: dict[str, object], price: int) -> None:
    rates = [
        rule("2", service_class="batch", region="eu"),
        rule("3", region="eu"),
        rule("5"),
        rule("4", service_class="batch"),
    ]

    assert price_with(properties, *rates) == price
    assert price_with(properties, *reversed(rates)) == price


@pytest.mark.parametrize(
    ("value", "price"),
    [(True, 1), (False, 2), ("true", 1), (4, 3), ("TRUE", 2), (None, 2), ([4], 2)],
)
def test_a_property_may_be_a_flag_or_a_number(value: object, price: int) -> None:
    rates = [rule("2"), rule("1", cached="true"), rule("3", cached=["4", "none"])]

    assert price_of(*rates, cached=value) == price


def test_a_value_among_several_is_more_specific_alone() -> None:
    rates = [rule("2", cloud=["aws", "gcp"]), rule("1", cloud="aws")]

    assert price_of(*rates, cloud="aws") == 1
    assert price_of(*rates, cloud="gcp") == 2


def test_rates_of_one_dimension_may_depend_on_what_others_do_not() -> None:
    output = rule("9", "output_tokens")
    prices = ModelPrices("m", (rule("2"), output, rule("3", region="eu")))

    priced = lines(prices, {"input_tokens": 1, "output_tokens": 1, "region": "eu"})

    assert [line.unit_price for line in priced] == [9, 3]


def test_a_dimension_that_no_rate_applies_to_is_not_priced() -> None:
    prices = ModelPrices("m", (rule("2"), rule("9", "images", region="eu")))

    with pytest.raises(UnratableError) as caught:
        lines(prices, {"input_tokens": 1, "images": 1, "region": "us"})

    assert caught.value.reason is Reason.UNPRICED_DIMENSION
    assert caught.value.detail == "m has no rate for images."


def test_the_context_is_the_sum_of_all_parts_of_the_input() -> None:
    rates = [rule("1"), rule("2", context_above="100")]

    assert price_of(*rates, cached_input_tokens=99) == 1
    assert price_of(*rates, cached_input_tokens=99, video_input_tokens="0.5") == 2
    assert price_of(*rates, output_tokens=0, smell_tokens=0) == 1


def test_only_so_many_kinds_of_calls_are_remembered() -> None:
    values = [f"{number}" for number in range(MOST_KINDS + 1)]
    prices = ModelPrices("m", (rule("1"), rule("2", shard=values)))
    card = compile_card(Card("USD", (prices,)))

    for value in values:
        (line,) = rate_usage(card, "m", {"input_tokens": 1, "shard": value})
        assert line.unit_price == 2

    assert len(card.models["m"].kinds) == 1


def test_prices_by_the_hour_are_those_of_utc() -> None:
    rates = [rule("1"), rule("2", hours="22:00-02:00", weekdays="mon")]
    plus_five = timezone(timedelta(hours=5))

    assert price_of(*rates, at=MONDAY) == 2
    assert price_of(*rates, at=MONDAY + timedelta(hours=2)) == 1
    assert price_of(*rates, at=MONDAY + timedelta(hours=22, seconds=59)) == 2
    assert price_of(*rates, at=MONDAY + timedelta(days=1)) == 1
    assert price_of(*rates, at=datetime(2026, 11, 23, 6, tzinfo=plus_five)) == 2


def test_prices_by_the_hour_need_a_time() -> None:
    with pytest.raises(UnratableError) as caught:
        price_of(rule("2", hours="22:00-02:00"), at=None)

    assert caught.value.reason is Reason.NO_TIME
    assert caught.value.detail == (
        "The prices of m depend on the time, which is unknown."
    )


def test_a_rule_and_a_band_hold_together() -> None:
    bands = (
        Band(None, Decimal(1), below_tokens=100),
        Band(200, Decimal(2)),
        Band(None, Decimal(3)),
    )
    prices = ModelPrices("m", (rule("1"), rule("5", context_from="150")), bands)

    amounts = [
        lines(prices, {"input_tokens": tokens})[0].amount / Decimal(tokens)
        for tokens in ("99.5", "100", "149", "150", "200", "201", "999999")
    ]

    assert amounts == [1, 2, 2, 10, 10, 15, 15]


def test_two_rates_that_could_price_one_call_are_refused() -> None:
    with pytest.raises(CardError) as caught:
        ModelPrices("m", (rule("1", region="eu"), rule("2", service_class="batch")))

    assert str(caught.value) == (
        "m: rates[1].when could price the same call as rates[0]; add a condition to one"
    )


def test_the_same_conditions_twice_are_refused() -> None:
    rates = (rule("1"), rule("2", weekdays="mon-sun"))

    with pytest.raises(CardError, match=r"rates\[1\]\.when could price the same"):
        ModelPrices("m", rates)


@pytest.mark.parametrize(
    ("bands", "problem"),
    [
        ([Band(5, Decimal(1), 6)], "bands[0].below_tokens contradicts max_tokens"),
        ([Band(None, Decimal(1), 0)], "bands[0].below_tokens must be a whole number"),
        ([Band(None, Decimal(1)), Band(5, Decimal(1))], "bands[0].multiplier needs"),
        (
            [Band(5, Decimal(1)), Band(None, Decimal(1), 5)],
            "bands[1].below_tokens must be above 5",
        ),
    ],
)
def test_a_band_has_one_bound_above_the_last(bands: list[Band], problem: str) -> None:
    with pytest.raises(CardError) as caught:
        ModelPrices("m", (rule("1"),), tuple(bands))

    assert problem in str(caught.value)


def test_a_band_up_to_a_bound_may_follow_one_below_it() -> None:
    bands = (Band(None, Decimal(1), 5), Band(5, Decimal(2)))
    prices = ModelPrices("m", (rule("1"),), bands)

    assert lines(prices, {"input_tokens": 5})[0].multiplier == 2
    with pytest.raises(UnratableError, match="which ends at 5"):
        lines(prices, {"input_tokens": 6})


def test_a_dimension_has_so_many_rates_and_no_more() -> None:
    rates = tuple(rule("1", region=f"r{i}") for i in range(MOST_RATES + 1))

    assert len(ModelPrices("m", rates[1:]).rates) == MOST_RATES
    with pytest.raises(CardError) as caught:
        ModelPrices("m", rates)

    assert str(caught.value) == (
        "m: rates[200].dimension has 200 rates already, which is the most"
    )


def test_rates_that_are_compared_already_are_not_compared_again() -> None:
    rates = (rule("1", region="eu"), rule("2", service_class="batch"))

    prices = ModelPrices("m", rates, are_compared=True)

    assert prices.rates == rates
    with pytest.raises(CardError, match="could price the same call"):
        replace(prices, model="n")
