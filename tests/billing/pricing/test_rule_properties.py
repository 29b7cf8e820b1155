from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from billing.pricing.card import Card, ModelPrices
from billing.pricing.discounts import Discounts
from billing.pricing.rating import (
    Terms,
    UnratableError,
    compile_card,
    rate_event,
    rate_usage,
)
from billing.pricing.yaml_form import format_card, parse_card
from tests.billing.pricing.by_hand import INPUT, MONDAY, by_hand
from tests.billing.pricing.rule_strategies import (
    calls,
    counts,
    discounts,
    moments,
    random_call,
    ruled_models,
)

unhurried = settings(deadline=None)


def card_of(prices: ModelPrices) -> Card:
    return Card("USD", (prices,))


@unhurried
@given(ruled_models(), calls(), moments, discounts())
def test_any_call_on_any_card_costs_what_fractions_say(
    prices: ModelPrices, call: dict[str, object], at: datetime, percent: Decimal
) -> None:
    terms = Terms(Discounts(percent))
    expected = by_hand(prices, call, at, percent)
    assume(expected and max(expected.values()) < 10**12)

    try:
        rated = rate_event(compile_card(card_of(prices)), "m", call, at=at, terms=terms)
    except UnratableError as error:
        assume("above the last band" not in error.detail)
        assume("states nothing" not in error.detail)
        raise

    lines = {line.dimension: Fraction(line.amount) for line in rated.lines}
    assert lines == expected


@settings(unhurried, max_examples=1_000)
@given(ruled_models(), st.integers(0, 2**32), discounts())
def test_a_hundred_thousand_calls_cost_what_fractions_say(
    prices: ModelPrices, seed: int, percent: Decimal
) -> None:
    card, terms = compile_card(card_of(prices)), Terms(Discounts(percent))
    random = Random(seed)  # noqa: S311 - it has to be repeatable.

    for call, at in (random_call(random) for _ in range(100)):
        expected = by_hand(prices, call, at, percent)
        if is_refused(prices, call, expected):
            with pytest.raises(UnratableError):
                rate_event(card, "m", call, at=at, terms=terms)
        else:
            lines = rate_event(card, "m", call, at=at, terms=terms).lines
            amounts = {line.dimension: Fraction(line.amount) for line in lines}
            assert amounts == expected


def is_refused(
    prices: ModelPrices, call: dict[str, Any], expected: dict[str, Fraction]
) -> bool:
    """Tell whether a call lies above the last band, costs too much, or nothing."""
    context = sum(Fraction(call.get(part, 0)) for part in INPUT)
    last = prices.bands[-1].max_tokens if prices.bands else None
    above = last is not None and context > last
    is_nothing = not expected.keys() - {"minimum"}
    return above or is_nothing or max(expected.values()) >= 10**12


@unhurried
@given(ruled_models(), st.lists(st.tuples(calls(), moments), max_size=5))
def test_calls_cost_the_same_in_whatever_order_and_batches_they_come(
    prices: ModelPrices, events: list[tuple[dict[str, object], datetime]]
) -> None:
    def cost(card: Card, batch: list[tuple[dict[str, object], datetime]]) -> list[Any]:
        compiled = compile_card(card)
        return [priced(compiled, call, at) for call, at in batch]

    def priced(card: Any, call: dict[str, object], at: datetime) -> object:
        try:
            return rate_usage(card, "m", call, at)
        except UnratableError as error:
            return error.reason

    together = cost(card_of(prices), events)
    one_by_one = [cost(card_of(prices), [event])[0] for event in events]
    backwards = cost(card_of(prices), events[::-1])[::-1]

    assert together == one_by_one == backwards


@unhurried
@given(
    ruled_models(), st.sampled_from(["input_tokens", "output_tokens"]), counts, counts
)
def test_more_never_costs_less(
    prices: ModelPrices, dimension: str, one: Any, other: Any
) -> None:
    flat = ModelPrices(
        "m", tuple(r for r in prices.rates if "context_" not in str(r.when))
    )
    card = compile_card(card_of(flat))

    less, more = ({dimension: count} for count in sorted((one, other)))
    none = Decimal(0)
    # No call may cost more.
    assume(max(by_hand(flat, more, MONDAY, none).values()) < 10**12)

    amounts = [rate_usage(card, "m", each, MONDAY)[0].amount for each in (less, more)]

    assert amounts == sorted(amounts)


@unhurried
@given(ruled_models())
def test_a_card_with_conditions_is_read_back_as_it_was_written(
    prices: ModelPrices,
) -> None:
    text = format_card(card_of(prices))

    assert parse_card(text) == card_of(prices)
    assert format_card(parse_card(text)) == text
