from collections.abc import Mapping
from decimal import Decimal

import pytest

from billing.pricing.card import Card, CardError, Minimum, ModelPrices, Rate
from billing.pricing.discounts import Discounts
from billing.pricing.rating import (
    ChargeLine,
    Terms,
    compile_card,
    rate_event,
    rate_usage,
)


def rule(price: str, dimension: str = "input_tokens") -> Rate:
    return Rate(dimension, 1, "token", Decimal(price))


def lines(prices: ModelPrices, event: Mapping[str, object]) -> tuple[ChargeLine, ...]:
    return rate_usage(compile_card(Card("USD", (prices,))), "m", event)


def test_a_call_costs_at_least_its_minimum() -> None:
    rates = (rule("0.01"), rule("0.02", "output_tokens"))
    prices = ModelPrices("m", rates, minimum=Minimum(Decimal("0.1"), id=8))

    *_, last = lines(prices, {"input_tokens": 2, "output_tokens": 1})

    assert (last.dimension, last.rate_id, last.band_id) == ("minimum", 8, None)
    assert (last.quantity, last.unit_name) == (Decimal("0.06"), "usd")
    assert last.amount == Decimal("0.06") == last.quantity * last.unit_price


@pytest.mark.parametrize("tokens", [10, 11])
def test_a_call_that_costs_its_minimum_has_no_more_lines(tokens: int) -> None:
    prices = ModelPrices("m", (rule("0.01"),), minimum=Minimum(Decimal("0.1")))

    assert len(lines(prices, {"input_tokens": tokens})) == 1


def test_a_discount_lowers_the_rates_and_not_the_minimum() -> None:
    prices = ModelPrices("m", (rule("0.1"),), minimum=Minimum(Decimal("0.09")))
    card = compile_card(Card("USD", (prices,)))
    half = Terms(Discounts(Decimal(50)))

    rated = rate_event(card, "m", {"input_tokens": 1}, at=None, terms=half)

    assert [line.amount for line in rated.lines] == [Decimal("0.05"), Decimal("0.04")]


def test_a_minimum_is_a_price() -> None:
    with pytest.raises(CardError, match="m: minimum must not be negative"):
        ModelPrices("m", (rule("1"),), minimum=Minimum(Decimal(-1)))
