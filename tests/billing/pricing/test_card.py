from dataclasses import replace
from decimal import Decimal

import pytest

from billing.pricing.card import Band, Card, CardError, ModelPrices, Rate

INPUT = Rate("input_tokens", 1000, "tokens", Decimal("0.003"))
OUTPUT = Rate("output_tokens", 1000, "tokens", Decimal("0.012"))
SHORT = Band(8192, Decimal("1.0"))
LONG = Band(32768, Decimal("1.8"))


def refusal(model: str, *rates: Rate, bands: tuple[Band, ...] = ()) -> CardError:
    with pytest.raises(CardError) as caught:
        ModelPrices(model, rates, bands)
    return caught.value


def test_a_card_of_valid_models_is_accepted() -> None:
    prices = ModelPrices("text-gen-v3", (INPUT, OUTPUT), (SHORT, LONG))

    card = Card("USD", (prices, ModelPrices("other", (INPUT,))))

    assert [each.model for each in card.models] == ["text-gen-v3", "other"]


def test_a_refusal_names_the_model_and_the_field() -> None:
    error = refusal("text-gen-v3", INPUT, replace(OUTPUT, unit=0))

    problem = "rates[1].unit must be a whole number from 1 to 1000000000000"
    assert str(error) == f"text-gen-v3: {problem}"
    assert (error.model, error.field) == ("text-gen-v3", "rates[1].unit")


def test_a_price_of_zero_is_a_price() -> None:
    free = replace(INPUT, price=Decimal(0))

    assert ModelPrices("free", (free,)).rates == (free,)


def test_ids_make_no_difference_to_equality() -> None:
    assert replace(INPUT, id=1) == replace(INPUT, id=2)
    assert replace(SHORT, id=1) == SHORT


@pytest.mark.parametrize("name", ["", " padded", "two\nlines", "x" * 201])
def test_a_model_has_a_name_that_can_be_read(name: str) -> None:
    assert refusal(name, INPUT).field == "model"


def test_a_model_has_at_least_one_rate() -> None:
    assert refusal("empty").field == "rates"


def test_a_dimension_has_one_rate() -> None:
    error = refusal("twice", INPUT, OUTPUT, INPUT)

    assert error.field == "rates[2].dimension"


@pytest.mark.parametrize("name", ["", "Input", "5m_tokens", "a-b", "a" * 201])
def test_a_dimension_is_a_lower_case_name(name: str) -> None:
    assert refusal("m", replace(INPUT, dimension=name)).field == "rates[0].dimension"


@pytest.mark.parametrize("name", ["total_tokens", "context_window", "model"])
def test_a_name_with_another_meaning_has_no_rate(name: str) -> None:
    assert refusal("m", replace(INPUT, dimension=name)).field == "rates[0].dimension"


@pytest.mark.parametrize("unit", [0, -1, 10**12 + 1])
def test_a_unit_is_at_least_one(unit: int) -> None:
    assert refusal("m", replace(INPUT, unit=unit)).field == "rates[0].unit"


@pytest.mark.parametrize("name", ["", "Tokens", "two  spaces", "x: y", "a" * 201])
def test_a_unit_has_a_plain_name(name: str) -> None:
    assert refusal("m", replace(INPUT, unit_name=name)).field == "rates[0].unit_name"


@pytest.mark.parametrize(
    ("price", "problem"),
    [
        ("NaN", "must be a finite number"),
        ("Infinity", "must be a finite number"),
        ("-1", "must not be negative"),
        ("-0", "must not be negative"),
        ("0.0000000000001", "must have at most 12 decimal places"),
        ("1000000000000", "must be below 1000000000000"),
    ],
)
def test_a_price_out_of_range_is_refused(price: str, problem: str) -> None:
    error = refusal("m", replace(INPUT, price=Decimal(price)))

    assert (error.field, error.problem) == ("rates[0].price", problem)


@pytest.mark.parametrize(
    ("multiplier", "problem"),
    [
        ("NaN", "must be a finite number"),
        ("0", "must be above zero"),
        ("-1.8", "must be above zero"),
        ("1.0000001", "must have at most 6 decimal places"),
        ("1000000", "must be below 1000000"),
    ],
)
def test_a_multiplier_out_of_range_is_refused(multiplier: str, problem: str) -> None:
    error = refusal("m", INPUT, bands=(SHORT, Band(9000, Decimal(multiplier))))

    assert (error.field, error.problem) == ("bands[1].multiplier", problem)


def test_a_band_holds_at_least_one_token() -> None:
    error = refusal("m", INPUT, bands=(replace(SHORT, max_tokens=0),))

    assert error.field == "bands[0].max_tokens"


@pytest.mark.parametrize("bands", [(LONG, SHORT), (SHORT, SHORT)])
def test_bands_ascend(bands: tuple[Band, ...]) -> None:
    assert refusal("m", INPUT, bands=bands).field == "bands[1].max_tokens"


def test_a_card_has_at_least_one_model() -> None:
    with pytest.raises(CardError, match="models must hold at least one model"):
        Card("USD", ())


def test_a_model_is_on_a_card_once() -> None:
    prices = ModelPrices("text-gen-v3", (INPUT,))

    with pytest.raises(CardError, match=r"text-gen-v3: models\[1\] is on the card"):
        Card("USD", (prices, prices))


def test_a_card_is_in_a_currency_that_exists() -> None:
    with pytest.raises(CardError, match="currency must be one of ISO 4217"):
        Card("ZZZ", (ModelPrices("m", (INPUT,)),))
