from decimal import Decimal

import pytest

from billing.pricing.card import Band, Minimum
from billing.pricing.conditions import read_when
from billing.pricing.yaml_form import CardSyntaxError, format_card, parse_card
from tests.billing.pricing.oracles import catalogue

RULES = """\
model: "*"
minimum_usd: 0.01
rates:
  - dimension: input_tokens
    unit: 1000000 tokens
    price_usd: 3
  - dimension: input_tokens
    unit: 1000000 tokens
    price_usd: 1.5
    when:
      context_below: 512000
      context_from: 200000
      hours: [22:00-02:00, 04:00-05:30]
      region: [eu, "1K", "a: \\"b\\""]
      service_class: batch
      weekdays: [mon-thu, sat]
  - dimension: context_window
    tiers:
      - below_tokens: 200000
        multiplier: 1
      - max_tokens: 512000
        multiplier: 2
      - multiplier: 3
"""


def refusal(written: str, instead: str) -> str:
    assert written in RULES
    with pytest.raises(CardSyntaxError) as caught:
        parse_card(RULES.replace(written, instead, 1))
    return str(caught.value)


def test_conditions_are_read_as_they_are_written() -> None:
    (prices,) = parse_card(RULES).models

    assert prices.model == "*"
    assert prices.minimum == Minimum(Decimal("0.01"))
    assert prices.rates[1].when == read_when(
        {
            "service_class": ["batch"],
            "region": ["eu", "1K", 'a: "b"'],
            "hours": ["22:00-02:00", "04:00-05:30"],
            "weekdays": ["mon-thu", "sat"],
            "context_from": ["200000"],
            "context_below": ["512000"],
        }
    )
    assert prices.bands == (
        Band(None, Decimal(1), below_tokens=200_000),
        Band(512_000, Decimal(2)),
        Band(None, Decimal(3)),
    )


def test_conditions_are_written_to_the_letter() -> None:
    assert format_card(parse_card(RULES)) == RULES


def test_a_list_of_one_value_is_that_value() -> None:
    text = RULES.replace("batch", "[batch]")

    assert format_card(parse_card(text)) == RULES


def test_a_whole_catalogue_is_read_back_as_it_was_written() -> None:
    card = catalogue().card

    text = format_card(card)

    assert parse_card(text) == card
    assert format_card(parse_card(text)) == text


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        (
            "minimum_usd: 0.01",
            "minimum_eur: 1",
            "line 2: minimum_eur must be minimum_usd",
        ),
        ("minimum_usd: 0.01", "minimum_usd: x", "line 2: minimum_usd must be a dec"),
        ("minimum_usd: 0.01", "minimum_usd: -1", "line 2: minimum_usd must not be neg"),
        ("minimum_usd: 0.01", "minimum: 1", "line 2: minimum is not a field here"),
        ("0.01\n", "0.01\nminimum_eur: 1\n", "line 3: minimum_eur is not a field"),
        ("batch", "[batch, [eu]]", "line 15: service_class must be a single value"),
        ("batch", "[]", "line 15: service_class must be a value, or a list"),
        ("batch", '""', "line 15: service_class must be 1 to 200 printable"),
        ("service_class", "Class", "line 15: Class must be lower-case letters"),
        ("service_class", "region", "line 15: region is written twice"),
        ("service_class", "images", "line 15: images is no property that a price"),
        ("22:00-02:00", "22-02", "line 13: hours must be UTC times such as"),
        ("mon-thu", "weekend", "line 16: weekdays must be days such as mon-fri"),
        ("from: 200000", "from: 2e5", "line 12: context_from must be a whole number"),
        ("from: 200000", "from: 512000", "line 11: context_below must be above 512000"),
        ("context_from", "context_up_to", "line 11: context_below contradicts"),
        ("- below_tokens: 200000\n        ", "- ", "line 19: multiplier needs a bound"),
        ("tokens: 512000", "tokens: 1", "line 21: max_tokens must be above 200000"),
        ("tokens: 512000", "tokens: x", "line 21: max_tokens must be a whole number"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    written: str, instead: str, message: str
) -> None:
    assert message in refusal(written, instead)


def test_conditions_are_a_mapping() -> None:
    start = RULES.index("      context_below")
    text = RULES[:start] + "      batch\n"

    with pytest.raises(CardSyntaxError, match="line 11: expected fields such as"):
        parse_card(text)


def test_rates_that_could_both_price_a_call_are_named_by_the_later_line() -> None:
    rate = "  - dimension: images\n    unit: 1 image\n    price_usd: 1\n"
    text = (
        f"model: m\nrates:\n{rate}    when:\n      a: x\n{rate}    when:\n      b: y\n"
    )

    with pytest.raises(CardSyntaxError) as caught:
        parse_card(text)

    assert str(caught.value) == (
        "line 11: when could price the same call as the rate on line 3; "
        "add a condition to one"
    )


def test_a_rate_without_conditions_is_named_where_it_stands() -> None:
    rate = "  - dimension: images\n    unit: 1 image\n    price_usd: 1\n"
    text = f"model: m\nrates:\n{rate}    when:\n      weekdays: mon-sun\n{rate}"

    with pytest.raises(CardSyntaxError, match="line 8: dimension could price the same"):
        parse_card(text)
