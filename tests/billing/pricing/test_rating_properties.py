from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from billing.pricing.card import Band, Card, ModelPrices, Rate
from billing.pricing.rating import compile_card, rate_usage
from tests.billing.pricing.strategies import models, quantities


@given(models(), quantities, quantities)
def test_every_amount_is_right_to_the_last_digit(
    prices: ModelPrices, count: Decimal | int, context: Decimal | int
) -> None:
    event = {rate.dimension: count for rate in prices.rates}
    if "input_tokens" in event:
        event["input_tokens"] = context
    tokens = event.get("input_tokens", 0)
    band = next((b for b in prices.bands if (b.max_tokens or 0) >= tokens), None)
    assume(band is not None or not prices.bands)
    expected = [
        price_by_hand(rate, band, event[rate.dimension]) for rate in prices.rates
    ]
    # No call may cost more.
    assume(max(expected) < 10**12)

    lines = rate_usage(compile_card(Card("USD", (prices,))), prices.model, event)

    assert [Fraction(line.amount) for line in lines] == expected


@given(models(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_never_costs_less_within_a_band(
    prices: ModelPrices, less: int, more: int
) -> None:
    card = compile_card(Card("USD", (ModelPrices("m", prices.rates),)))
    low, high = sorted((less, more))

    cheap = rate_usage(card, "m", {rate.dimension: low for rate in prices.rates})
    dear = rate_usage(card, "m", {rate.dimension: high for rate in prices.rates})

    for before, after in zip(cheap, dear, strict=True):
        assert before.amount <= after.amount


def price_by_hand(rate: Rate, band: Band | None, count: Decimal | int) -> Fraction:
    multiplier = Fraction(band.multiplier) if band else Fraction(1)
    amount = Fraction(count) * Fraction(rate.price) * multiplier / rate.unit
    return Fraction(round(amount * 10**18), 10**18)
