from decimal import Decimal

import pytest

from billing.pricing.card import Card, ModelPrices, Rate
from billing.pricing.discounts import DiscountError, Discounts, chain
from billing.pricing.rating import ChargeLine, Terms, compile_card, rate_event

CARD = compile_card(
    Card(
        "USD",
        (
            ModelPrices("m", (Rate("images", 1, "image", Decimal("0.04")),)),
            ModelPrices("thirds", (Rate("images", 3, "images", Decimal(1)),)),
        ),
    )
)


def line(model: str, discounts: Discounts) -> ChargeLine:
    terms = Terms(discounts)
    (line,) = rate_event(CARD, model, {"images": 5}, at=None, terms=terms).lines
    return line


def test_a_discount_lowers_the_amount_and_stands_on_the_line() -> None:
    charged = line("m", Discounts(Decimal(10)))

    assert charged.discount == Decimal("0.9")
    assert charged.unit_price == Decimal("0.04")
    assert charged.amount == Decimal("0.18")


def test_without_a_discount_the_whole_price_is_left_to_pay() -> None:
    assert line("m", Discounts()).discount == 1


def test_the_percentage_of_a_model_stands_instead_of_the_general_one() -> None:
    discounts = Discounts(Decimal(10), {"m": Decimal(50)})

    assert line("m", discounts).amount == Decimal("0.1")
    assert discounts.factor("other") == Decimal("0.9")


def test_a_model_may_be_excepted() -> None:
    assert Discounts(Decimal(10), {"m": Decimal(0)}).factor("m") == 1


def test_an_amount_is_rounded_once_after_the_discount() -> None:
    charged = line("thirds", Discounts(Decimal("33.3333")))

    assert charged.amount == Decimal("1.111111666666666667")


def test_ten_percent_twice_are_nineteen() -> None:
    assert chain([Decimal(10), Decimal(10)]) == Decimal("0.81")
    assert chain([Decimal(100), Decimal(10)]) == 0
    assert chain([]) == 1


@pytest.mark.parametrize("percent", ["-1", "100.0001", "NaN", "1.00001", "Infinity"])
def test_a_percentage_lies_between_none_and_all(percent: str) -> None:
    with pytest.raises(DiscountError, match="is no percentage"):
        Discounts(by_model={"m": Decimal(percent)})
