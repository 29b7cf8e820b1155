from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.card import Band, Card, ModelPrices, Rate
from billing.pricing.yaml_form import CardSyntaxError, format_card, parse_card
from tests.billing.pricing.examples import SEED
from tests.billing.pricing.strategies import cards

TEXT_GEN = ModelPrices(
    "text-gen-v3",
    (
        Rate("input_tokens", 1000, "tokens", Decimal("0.003")),
        Rate("output_tokens", 1000, "tokens", Decimal("0.012")),
    ),
    (
        Band(8192, Decimal("1.0")),
        Band(32768, Decimal("1.8")),
        Band(131072, Decimal("3.2")),
    ),
)
IMAGE = "model: image-gen\nrates:\n  - dimension: images\n    unit: 1 image\n"


def refusal(text: str) -> str:
    with pytest.raises(CardSyntaxError) as caught:
        parse_card(text)
    assert str(caught.value) == f"line {caught.value.line}: {caught.value.problem}"
    return str(caught.value)


def test_the_seed_is_read_to_the_letter() -> None:
    assert parse_card(SEED) == Card("USD", (TEXT_GEN,))


def test_the_seed_is_written_to_the_letter() -> None:
    assert format_card(parse_card(SEED)) == SEED


def test_models_are_documents_of_one_card() -> None:
    text = f"{SEED}---\n{IMAGE}    price_usd: 0.04\n"

    card = parse_card(text)

    assert [prices.model for prices in card.models] == ["text-gen-v3", "image-gen"]
    assert format_card(card) == text


def test_the_price_key_names_the_currency() -> None:
    text = f"{IMAGE}    price_jpy: 6\n"

    assert parse_card(text).currency == "JPY"
    assert format_card(parse_card(text)) == text


@pytest.mark.parametrize("written", ["0.0000003", "3e-7", "3E-7", "0.3e-6", '"3e-7"'])
def test_a_small_price_is_read_exactly(written: str) -> None:
    card = parse_card(f"{IMAGE}    price_usd: {written}\n")

    assert card.models[0].rates[0].price == Decimal("0.0000003")
    assert format_card(card) == f"{IMAGE}    price_usd: 0.0000003\n"


def test_a_price_never_passes_through_a_float() -> None:
    card = parse_card(f"{IMAGE}    price_usd: 12345678901.123456789012\n")

    assert str(card.models[0].rates[0].price) == "12345678901.123456789012"


def test_a_name_that_yaml_would_misread_is_quoted() -> None:
    prices = ModelPrices('a: "b" #c', TEXT_GEN.rates)

    text = format_card(Card("USD", (prices,)))

    assert text.startswith('model: "a: \\"b\\" #c"\n')
    assert parse_card(text).models == (prices,)


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("0.003", "cheap", "line 5: price_usd must be a decimal number"),
        ("0.003", ".nan", "line 5: price_usd must be a decimal number"),
        ("0.003", ".inf", "line 5: price_usd must be a decimal number"),
        ("0.003", "1_000", "line 5: price_usd must be a decimal number"),
        ("0.003", "", "line 5: price_usd must be a decimal number"),
        ("0.003", "[1]", "line 5: price_usd must be a single value"),
        ("0.003", "-0.003", "line 5: price_usd must not be negative"),
        ("0.003", "1e-13", "line 5: price_usd must have at most 12 decimal places"),
        ("price_usd: 0.003", "price: 1", "line 5: price is not a field here"),
        ("\n    price_usd: 0.003", "", "line 3: price_<currency> is missing"),
        ("price_usd: 0.012", "price_eur: 1", "must be price_usd: a card has one"),
        ("output_tokens", "input_tokens", "line 6: dimension has a rate already"),
        ("output_tokens", "Output", "line 6: dimension must be lower-case"),
        ("output_tokens", "{a: b}", "line 6: dimension must be a single value"),
        ("dimension: output_tokens", "unit: 1 a", "line 7: unit is written twice"),
        ("dimension: output_tokens", "x: 1", "line 6: x is not a field here"),
        ("1000 tokens", "tokens", "line 4: unit must be a number and a name"),
        ("1000 tokens", "1,000 tokens", "line 4: unit must be a number and a name"),
        ("1000 tokens", "0 tokens", "line 4: unit must be a whole number from 1"),
        ("1000 tokens", "1000 Tokens", "line 4: unit must be a name in lower case"),
        ("32768", "8192", "line 13: max_tokens must be above 8192"),
        ("32768", "32k", "line 13: max_tokens must be a whole number"),
        ("1.8", "0", "line 14: multiplier must be above zero"),
        ("1.8", "NaN", "line 14: multiplier must be a decimal number"),
        ("multiplier: 1.8", "factor: 1.8", "line 14: factor is not a field here"),
        ("text-gen-v3", "", "line 1: model must be 1 to 200 printable characters"),
        ("model: text-gen-v3\n", "", "line 1: model is missing"),
        ("text-gen-v3", "a\nmodel: b", "line 2: model is written twice"),
        ("text-gen-v3", "&a b", "line 1: anchors, aliases and tags are not allowed"),
        ("text-gen-v3", "*a", "line 1: anchors, aliases and tags are not allowed"),
        ("text-gen-v3", "!!str b", "line 1: anchors, aliases and tags are not allowed"),
        ("text-gen-v3", "[" * 99, "line 1: this is nested too deeply for a card"),
        ("text-gen-v3", "{", "line 3: expected the node content, but found '-'"),
        ("text-gen-v3", '"\\UFFFFFFFF"', "line 1: an escape names no character"),
        ("tiers:", "tiers: []\n    unit:", "line 11: unit is not a field here"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    written: str, instead: str, message: str
) -> None:
    assert message in refusal(SEED.replace(written, instead, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: a card needs at least one model"),
        ("# nothing\n", "line 1: a card needs at least one model"),
        ("text", "line 1: expected fields such as 'model: name'"),
        ("---\n---\n", "line 2: expected fields such as 'model: name'"),
        ("model: m\nrates: 5\n", "line 2: rates must be a list of at least one item"),
        ("model: m\nrates: []\n", "line 2: rates must be a list of at least one item"),
        ("model: m\nrates:\n  - 5\n", "line 3: expected fields such as 'model: name'"),
        ("model: m\n\x00", "line 2: a character is not allowed in YAML"),
        (f"{IMAGE}    price_zzz: 1\n", "line 5: price_zzz must be one of ISO 4217"),
        (f"{SEED}---\n{SEED}", "line 18: model is on the card already"),
    ],
)
def test_a_text_that_is_no_card_is_refused(text: str, message: str) -> None:
    assert refusal(text) == message


def test_the_context_window_is_no_rate() -> None:
    text = f"model: m\nrates:\n{SEED[SEED.index('  - dimension: context') :]}"

    assert refusal(text) == "line 2: rates must hold at least one rate"


def test_a_context_window_has_tiers() -> None:
    text = f"{IMAGE}    price_usd: 1\n  - dimension: context_window\n    tiers: []\n"

    assert refusal(text) == "line 7: tiers must be a list of at least one item"


def test_a_model_has_one_context_window() -> None:
    window = SEED[SEED.index("  - dimension: context") :]

    assert refusal(f"{SEED}{window}") == "line 17: dimension is written twice"


@given(cards())
def test_a_card_is_read_back_as_it_was_written(card: Card) -> None:
    text = format_card(card)

    assert parse_card(text) == card
    assert format_card(parse_card(text)) == text


@given(st.one_of(st.text(), st.text("{}[]:-&*!|>?'\"%@#, \n\ta0")))
def test_no_text_is_refused_without_a_line(text: str) -> None:
    lines = len(text.splitlines()) + 1

    assert refused_line(text) in range(lines + 1)


def refused_line(text: str) -> int:
    """Return the line that is named, or 0 for a text that is a card."""
    try:
        parse_card(text)
    except CardSyntaxError as error:
        return error.line or -1
    return 0
