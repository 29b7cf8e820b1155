from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.pricing.card import Band, Card, Minimum, ModelPrices, Rate
from billing.pricing.conditions import read_when
from billing.pricing.diff import Change, Kind, diff_cards
from billing.pricing.yaml_form import parse_card
from tests.billing.pricing.examples import SEED
from tests.billing.pricing.rule_strategies import ruled_models
from tests.billing.pricing.strategies import cards

RATE = Rate("input_tokens", 1000, "tokens", Decimal("0.003"))
BATCH = read_when({"service_class": ["batch", "flex"], "context_above": ["9"]})


def card(
    *rates: Rate, bands: tuple[Band, ...] = (), minimum: Minimum | None = None
) -> Card:
    return Card("USD", (ModelPrices("m", rates or (RATE,), bands, minimum),))


def priced(price: str, unit: int = 1000) -> Card:
    return card(replace(RATE, price=Decimal(price), unit=unit))


class TestPrices:
    def test_a_change_has_both_prices_and_the_percentage(self) -> None:
        (change,) = diff_cards(priced("0.003"), priced("0.0036"))

        assert change == Change(
            model="m",
            what="input_tokens",
            before="$0.003 per 1,000 tokens",
            after="$0.0036 per 1,000 tokens",
            percent="+20%",
        )
        assert change.kind is Kind.CHANGED

    @pytest.mark.parametrize(
        ("before", "after", "percent"),
        [
            ("0.003", "0.002", "≈ -33.33%"),
            ("4", "3", "-25%"),
            ("0.001", "1", "+99,900%"),
            ("1000000", "1000001", "under 0.01%"),
            ("1", "0", "-100%"),
            ("0", "1", ""),
        ],
    )
    def test_a_percentage_is_exact_or_said_to_be_rounded(
        self, before: str, after: str, percent: str
    ) -> None:
        (change,) = diff_cards(priced(before), priced(after))

        assert change.percent == percent

    def test_another_unit_at_the_same_price_is_seen(self) -> None:
        (change,) = diff_cards(priced("3"), priced("3000", unit=10**6))

        assert change.percent == "0%"
        assert change.after == "$3,000.00 per 1,000,000 tokens"

    def test_a_price_for_some_calls_is_compared_with_that_for_the_same(self) -> None:
        batch = replace(RATE, when=BATCH)
        cheaper = replace(batch, price=Decimal("0.0015"))

        (change,) = diff_cards(card(RATE, batch), card(RATE, cheaper))

        assert change.subject == (
            "input_tokens (context_above: 9, service_class: batch or flex)"
        )
        assert change.percent == "-50%"

    def test_a_price_comes_and_goes(self) -> None:
        one, two = card(), card(RATE, replace(RATE, dimension="images"))

        (added,) = diff_cards(one, two)
        (removed,) = diff_cards(two, one)

        assert (added.kind, removed.kind) == (Kind.ADDED, Kind.REMOVED)
        assert (added.before, added.after) == (removed.after, removed.before)

    def test_the_least_that_a_call_costs_is_compared(self) -> None:
        one, two = (card(minimum=Minimum(Decimal(price))) for price in ("1", "2"))

        assert diff_cards(one, two) == (
            Change("m", "minimum", "$1.00 per call", "$2.00 per call", percent="+100%"),
        )
        assert diff_cards(card(), one)[0].kind is Kind.ADDED

    def test_bands_are_compared_by_where_they_end(self) -> None:
        bounded = Band(100, Decimal("1.5")), Band(None, Decimal(2), below_tokens=200)
        before = card(bands=bounded)
        after = card(bands=(Band(100, Decimal("1.8")), Band(None, Decimal(2))))

        assert diff_cards(before, after) == (
            Change("m", "context up to 100 tokens", "× 1.5", "× 1.8", percent="+20%"),
            Change("m", "context of any more tokens", "", "× 2"),
            Change("m", "context below 200 tokens", "× 2", ""),
        )


class TestModels:
    def test_a_new_one_is_shown_with_all_its_prices(self) -> None:
        extra = ModelPrices(
            "new", (RATE, replace(RATE, when=BATCH)), minimum=Minimum(Decimal(1))
        )

        (change,) = diff_cards(card(), Card("USD", (*card().models, extra)))

        assert (change.model, change.what, change.kind) == ("new", "model", Kind.ADDED)
        assert change.after.splitlines() == [
            "input_tokens: $0.003 per 1,000 tokens",
            "input_tokens (context_above: 9, service_class: batch or flex): "
            "$0.003 per 1,000 tokens",
            "minimum: $1.00 per call",
        ]

    def test_one_that_is_gone_is_shown_too(self) -> None:
        before = parse_card(SEED)

        (change, other) = diff_cards(before, card())

        assert (change.kind, other.kind) == (Kind.ADDED, Kind.REMOVED)
        assert other.before.splitlines()[-1] == "context up to 131,072 tokens: × 3.2"


def test_another_currency_is_a_change_and_no_percentage() -> None:
    euros = replace(priced("1"), currency="EUR")

    currency, price = diff_cards(priced("2"), euros)

    assert (currency.what, currency.before, currency.after) == (
        "currency",
        "USD",
        "EUR",
    )
    assert (price.after, price.percent) == ("€1.00 per 1,000 tokens", "")


def test_notation_and_the_order_of_values_are_no_change() -> None:
    one = replace(RATE, price=Decimal("1.0"), when=BATCH, id=1)
    turned = read_when({"service_class": ["flex", "batch"], "context_above": ["9"]})
    two = replace(RATE, price=Decimal(1), when=turned, id=2)

    assert diff_cards(card(one), card(two)) == ()


def test_a_field_that_is_no_price_per_unit_is_shown_as_its_yaml() -> None:
    text = "model: m\nrates:\n  - dimension: images\n    unit: 1 image\n"
    tiers = (
        "    per_period: graduated\n    tiers:\n      - up_to: {}\n        "
        "price_usd: 2\n      - price_usd: 1\n"
    )
    before, after = (parse_card(text + tiers.format(bound)) for bound in (10, 20))

    (change,) = diff_cards(before, after)

    assert change.before.splitlines()[1:4] == [
        "per_period: graduated",
        "tiers:",
        "  - up_to: 10",
    ]
    assert "  - up_to: 20" in change.after.splitlines()
    assert change.percent == ""


def test_all_that_a_card_holds_is_compared() -> None:
    # Rates are compared as a whole; a field that is new here needs a line in `diff`.
    assert [each.name for each in fields(Card)] == ["currency", "models"]
    assert [each.name for each in fields(ModelPrices)] == [
        "model",
        "rates",
        "bands",
        "minimum",
    ]
    assert [each.name for each in fields(Band) if each.compare] == [
        "max_tokens",
        "multiplier",
        "below_tokens",
    ]


def _parts(whole: Card) -> tuple[object, ...]:
    return whole.currency, {
        (prices.model, frozenset(prices.rates), prices.bands, prices.minimum)
        for prices in whole.models
    }


@given(st.data())
def test_equal_cards_do_not_differ_in_whatever_order(data: st.DataObject) -> None:
    one = data.draw(st.one_of(cards(), ruled_models().map(lambda m: Card("USD", (m,)))))
    models = data.draw(st.permutations(one.models))
    shuffled = [
        replace(each, rates=tuple(data.draw(st.permutations(each.rates))))
        for each in models
    ]

    assert diff_cards(one, replace(one, models=tuple(shuffled))) == ()


@given(ruled_models(), ruled_models())
def test_only_equal_prices_do_not_differ(one: ModelPrices, two: ModelPrices) -> None:
    before, after = Card("USD", (one,)), Card("USD", (two,))
    # Of conditions with two values the order means nothing.
    assume(all(list(t) == sorted(t) for t in _texts(one, two)))

    changes = diff_cards(before, after)

    assert (changes == ()) == (_parts(before) == _parts(after))
    assert {each.kind for each in changes} <= set(Kind)
    assert all(each.before != each.after for each in changes)


def _texts(*models: ModelPrices) -> list[tuple[str, ...]]:
    rates = [rate for each in models for rate in each.rates]
    return [texts for rate in rates for _, texts in rate.when.conditions]


@given(cards(), st.data())
def test_one_price_changed_is_one_change(before: Card, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(before.models) - 1))
    first, *others = before.models[at].rates
    other = replace(first, price=first.price + 1)
    changed = replace(before.models[at], rates=(other, *others))
    models = (*before.models[:at], changed, *before.models[at + 1 :])

    (change,) = diff_cards(before, replace(before, models=models))

    assert (change.model, change.what) == (changed.model, first.dimension)
