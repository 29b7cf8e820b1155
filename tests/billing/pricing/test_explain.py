from decimal import Decimal

import pytest

from billing.pricing.card import Band, Card, Minimum, ModelPrices, Rate
from billing.pricing.discounts import Discounts
from billing.pricing.explain import explain
from billing.pricing.rating import Terms, compile_card, rate_event

CARD = compile_card(
    Card(
        "USD",
        (
            ModelPrices(
                "m",
                (
                    Rate("input_tokens", 1000, "tokens", Decimal("0.003")),
                    Rate("images", 3, "images", Decimal(1)),
                    Rate("seconds", 1, "second", Decimal("0.1")),
                ),
                (Band(1000, Decimal("1.0")), Band(9000, Decimal("1.80"))),
            ),
            ModelPrices(
                "least",
                (Rate("requests", 1, "request", Decimal("0.001")),),
                minimum=Minimum(Decimal("0.01")),
            ),
        ),
    )
)


def sentence(model: str, event: dict[str, object], percent: int = 0) -> str:
    terms = Terms(Discounts(Decimal(percent)))
    rated = rate_event(CARD, model, event, at=None, terms=terms)
    return explain(rated.lines[-1], "USD")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"input_tokens": 412},
            "412 input_tokens at $0.003 per 1,000 tokens = $0.001236.",
        ),
        (
            {"input_tokens": 2000},
            "2,000 input_tokens at $0.003 per 1,000 tokens × 1.8 (context band) "
            "= $0.0108.",
        ),
        (
            {"cached_input_tokens": "1000.5"},
            "1,000.5 cached_input_tokens (priced as input_tokens) at $0.003 per "
            "1,000 tokens × 1.8 (context band) = $0.0054027.",
        ),
        ({"seconds": "0.25"}, "0.25 seconds at $0.10 per second = $0.025."),
        ({"images": 3}, "3 images at $1.00 per 3 images = $1.00."),
        (
            {"images": 1},
            "1 images at $1.00 per 3 images ≈ $0.333333333333333333.",
        ),
    ],
)
def test_a_line_is_explained_by_its_whole_arithmetic(
    event: dict[str, object], expected: str
) -> None:
    assert sentence("m", event) == expected


def test_a_discount_is_a_factor_of_the_explanation() -> None:
    assert sentence("m", {"images": 3}, percent=10) == (
        "3 images at $1.00 per 3 images × 0.9 (10% discount) = $0.90."
    )


@pytest.mark.parametrize(
    ("pages", "billed", "expected"),
    [
        (100, 100, "100 pages begin 1 package of 100 pages at $3.00 = $3.00."),
        (120, 200, "120 pages begin 2 packages of 100 pages at $3.00 = $6.00."),
        (99, 0, "99 pages within a package already paid = $0.00."),
        (0, 0, "0 pages begin 0 packages of 100 pages at $3.00 = $0.00."),
    ],
)
def test_packages_are_counted(pages: int, billed: int, expected: str) -> None:
    rate = rate_event(CARD, "m", {"images": 3}, at=None).lines[-1]
    line = rate._replace(
        dimension="pages",
        priced_as="pages",
        quantity=Decimal(pages),
        unit=100,
        unit_name="pages",
        unit_price=Decimal(3),
        tier=1,
        billed=Decimal(billed),
        amount=Decimal(3 * billed) / 100,
    )

    assert explain(line, "USD") == expected


def test_what_is_missing_to_the_minimum_is_said_to_be() -> None:
    assert sentence("least", {"requests": 1}) == (
        "$0.009 more, up to the least that a call costs."
    )
