from decimal import Decimal

import pytest

from billing.pricing.card import Band, Card, ModelPrices, Rate
from billing.pricing.rating import (
    ChargeLine,
    Reason,
    UnratableError,
    compile_card,
    rate_usage,
)
from billing.pricing.yaml_form import parse_card
from tests.billing.pricing.examples import SEED

SEED_CARD = compile_card(parse_card(SEED))


def rate_seed(**properties: object) -> tuple[ChargeLine, ...]:
    return rate_usage(SEED_CARD, "text-gen-v3", properties)


def rate_with(*rates: Rate, **properties: object) -> tuple[ChargeLine, ...]:
    card = compile_card(Card("USD", (ModelPrices("m", rates),)))
    return rate_usage(card, "m", properties)


def one(dimension: str, price: str, unit: int = 1) -> Rate:
    return Rate(dimension, unit, "unit", Decimal(price))


def refusal(
    event: dict[str, object], model: str | None = "text-gen-v3"
) -> UnratableError:
    with pytest.raises(UnratableError) as caught:
        rate_usage(SEED_CARD, model, event)
    return caught.value


def test_the_seeds_call_costs_what_its_card_says() -> None:
    lines = rate_seed(input_tokens=412, output_tokens=1083)

    amounts = [line.amount for line in lines]
    assert amounts == [Decimal("0.001236"), Decimal("0.012996")]
    assert sum(amounts) == Decimal("0.014232")


def test_a_line_shows_the_whole_arithmetic() -> None:
    input_rate = Rate("input_tokens", 1000, "tokens", Decimal("0.003"), id=7)
    prices = ModelPrices("m", (input_rate,), (Band(9000, Decimal("1.8"), id=3),))
    card = compile_card(Card("USD", (prices,)))

    (line,) = rate_usage(card, "m", {"input_tokens": 2000})

    assert (line.dimension, line.rate_id, line.band_id) == ("input_tokens", 7, 3)
    assert line.quantity == 2000
    assert (line.unit, line.unit_name) == (1000, "tokens")
    assert (line.unit_price, line.multiplier) == (Decimal("0.003"), Decimal("1.8"))
    assert line.amount == Decimal("0.0108")


def test_a_compiled_card_names_its_currency() -> None:
    assert SEED_CARD.currency == "USD"


def test_an_amount_has_eighteen_decimal_places() -> None:
    (line,) = rate_seed(input_tokens=1)

    assert str(line.amount) == "0.000003000000000000"


@pytest.mark.parametrize(
    ("context", "multiplier"),
    [
        (0, "1.0"),
        (8192, "1.0"),
        (8193, "1.8"),
        (32768, "1.8"),
        (32769, "3.2"),
        (131072, "3.2"),
    ],
)
def test_a_band_includes_its_upper_bound(context: int, multiplier: str) -> None:
    (line,) = rate_seed(input_tokens=context)

    assert line.multiplier == Decimal(multiplier)


def test_one_band_holds_for_input_and_output_alike() -> None:
    lines = rate_seed(input_tokens=9000, output_tokens=1000)

    assert [line.amount for line in lines] == [Decimal("0.0486"), Decimal("0.0216")]


def test_output_alone_is_in_the_first_band() -> None:
    (line,) = rate_seed(output_tokens=1_000_000)

    assert line.amount == 12


def test_a_context_above_the_last_band_is_not_priced() -> None:
    error = refusal({"input_tokens": 131_073})

    assert error.reason is Reason.CONTEXT_ABOVE_BANDS
    assert str(error) == error.detail
    assert error.detail == (
        "The context of 131073 tokens is above the last band of text-gen-v3, "
        "which ends at 131072."
    )


def test_a_model_without_bands_takes_any_context() -> None:
    (line,) = rate_with(one("input_tokens", "2"), input_tokens=10**9)

    assert line.multiplier == 1
    assert line.band_id is None
    assert line.amount == 2 * 10**9


def test_an_unknown_model_is_not_priced() -> None:
    error = refusal({"input_tokens": 1}, model="text-gen-v4")

    assert error.reason is Reason.UNKNOWN_MODEL
    assert error.detail == "The card has no model 'text-gen-v4'."


@pytest.mark.parametrize("model", [None, ""])
def test_an_event_without_a_model_is_not_priced(model: str | None) -> None:
    error = refusal({"input_tokens": 1}, model)

    assert error.reason is Reason.UNKNOWN_MODEL
    assert error.detail == "No model is stated."


def test_a_dimension_without_a_rate_is_not_priced() -> None:
    error = refusal({"input_tokens": 1, "images": 2, "smell_tokens": 3})

    assert error.reason is Reason.UNPRICED_DIMENSION
    assert error.detail == "text-gen-v3 has no rate for images, smell_tokens."


def test_none_of_a_dimension_without_a_rate_is_no_obstacle() -> None:
    (line,) = rate_seed(input_tokens=1000, images=0)

    assert line.dimension == "input_tokens"


def test_an_event_with_nothing_that_is_priced_is_not_free() -> None:
    error = refusal({"latency_ms": 2847, "total_tokens": 5})

    assert error.reason is Reason.NO_PRICED_DIMENSION
    assert error.detail == (
        "The event states nothing that text-gen-v3 has a rate for: "
        "input_tokens, output_tokens."
    )


def test_other_properties_are_ignored() -> None:
    lines = rate_seed(input_tokens=1, latency_ms=-1.5, request_type="chat", x=None)

    assert [line.dimension for line in lines] == ["input_tokens"]


def test_a_dimension_the_event_does_not_state_makes_no_line() -> None:
    assert len(rate_seed(output_tokens=1)) == 1


def test_a_quantity_of_zero_makes_a_line() -> None:
    (line,) = rate_seed(input_tokens=0)

    assert line.quantity == 0
    assert line.amount == 0


def test_a_price_of_zero_makes_a_line() -> None:
    (line,) = rate_with(one("input_tokens", "0"), input_tokens=5)

    assert line.quantity == 5
    assert line.amount == 0


def test_an_event_is_one_request_unless_it_says_otherwise() -> None:
    fee = one("requests", "0.05")

    assert rate_with(fee, latency_ms=9)[0].amount == Decimal("0.05")
    assert rate_with(fee, requests=3)[0].amount == Decimal("0.15")


def test_requests_are_not_counted_where_they_have_no_price() -> None:
    assert [line.dimension for line in rate_seed(input_tokens=1)] == ["input_tokens"]


def test_whatever_the_card_prices_is_a_dimension() -> None:
    (line,) = rate_with(one("pages_ocr", "0.5"), pages_ocr=4)

    assert line.amount == 2


def test_lines_come_in_the_order_of_the_card() -> None:
    lines = rate_seed(output_tokens=1, input_tokens=1)

    assert [line.dimension for line in lines] == ["input_tokens", "output_tokens"]


@pytest.mark.parametrize("quantity", ["57", "57.000", Decimal(57), Decimal("57.0")])
def test_a_quantity_may_be_text_or_decimal(quantity: object) -> None:
    (line,) = rate_with(one("images", "2"), images=quantity)

    assert line.quantity == 57
    assert line.amount == 114


@pytest.mark.parametrize(
    "quantity",
    [
        *[-1, True, None, [], 1.0, float("nan"), 10**12],
        *["", "-1", "1e3", "1_000", "\uff11", "1\n", " 1", "NaN", "1" * 13, "9" * 5000],
        *[Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-1", "1E+400")],
        *[Decimal("1E-19"), Decimal(10**12)],
    ],
)
@pytest.mark.parametrize("name", ["input_tokens", "images"])
def test_what_is_no_quantity_is_not_priced(name: str, quantity: object) -> None:
    error = refusal({name: quantity})

    assert error.reason is Reason.BAD_QUANTITY
    assert error.detail == (
        f"{name} must be a number from 0 with 12 digits and 18 decimals at most."
    )


def test_an_amount_too_large_to_store_is_not_priced() -> None:
    with pytest.raises(
        UnratableError, match="more than one call can be billed"
    ) as caught:
        rate_with(one("images", "10"), images=10**11)

    assert caught.value.reason is Reason.BAD_QUANTITY


def test_a_fraction_of_a_unit_costs_a_fraction() -> None:
    (line,) = rate_with(one("input_tokens", "2", unit=10**6), input_tokens="100.5")

    assert line.amount == Decimal("0.000201")


def test_three_of_a_unit_of_three_cost_the_price() -> None:
    assert rate_with(one("images", "1", unit=3), images=3)[0].amount == 1
    assert str(rate_with(one("images", "1", unit=3), images=2)[0].amount) == (
        "0.666666666666666667"
    )


def test_a_card_of_many_models_keeps_each_apart() -> None:
    prices = [ModelPrices(f"m{i}", (one("images", f"{i}"),)) for i in range(1, 100)]
    card = compile_card(Card("USD", tuple(prices)))

    assert rate_usage(card, "m7", {"images": 2})[0].amount == 14


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        ({"images": 1}, "foo (priced as *) has no rate for images."),
        ({}, "The event states nothing that foo (priced as *) has a rate for: "),
    ],
)
def test_a_refusal_names_the_model_that_the_default_prices_too(
    event: dict[str, object], detail: str
) -> None:
    card = compile_card(parse_card(SEED.replace("text-gen-v3", '"*"')))

    with pytest.raises(UnratableError) as caught:
        rate_usage(card, "foo", event)

    assert caught.value.detail.startswith(detail)
