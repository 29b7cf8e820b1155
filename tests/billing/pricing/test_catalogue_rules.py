"""Prices that a catalogue does not state, and that its own rules imply."""

from decimal import Decimal

from billing.pricing.catalogue import Unimported
from tests.billing.pricing.test_catalogue import IMPLIED, of, prices, rates, when


def test_a_long_context_and_classes_of_service_combine() -> None:
    long = {"context_above": "200000"}

    found = rates(
        input_cost_per_token="0.000001",
        input_cost_per_token_above_200k_tokens="0.000002",
        input_cost_per_token_batches="0.0000005",
        input_cost_per_token_priority="0.000003",
        input_cost_per_token_flex="0.0000004",
        input_cost_per_token_above_200k_tokens_flex="0.0000006",
    )

    assert prices(found) == {
        when(): 1,
        when(**long): 2,
        when(service_class="batch"): Decimal("0.5"),
        when(service_class="batch", **long): Decimal("0.5"),
        when(service_class="priority"): 3,
        when(service_class="priority", **long): 2,
        when(service_class="flex"): Decimal("0.4"),
        when(service_class="flex", **long): Decimal("0.6"),
    }


def test_a_price_that_only_the_rules_imply_is_said() -> None:
    imported = of(
        {
            "input_cost_per_token": "0.000001",
            "input_cost_per_token_above_200k_tokens": "0.000002",
            "input_cost_per_token_flex": "0.0000004",
        }
    )

    problem = f"{IMPLIED}: 0.000002 for context_above 200000 and service_class flex"
    assert imported.unimported == (Unimported("m", "input_tokens", problem),)


def test_reasoning_costs_a_class_of_service_what_its_output_does() -> None:
    long, flex = {"context_above": "200000"}, {"service_class": "flex"}

    found = rates(
        output_cost_per_token="0.000004",
        output_cost_per_token_above_200k_tokens="0.000008",
        output_cost_per_token_flex="0.000002",
        output_cost_per_token_batches="0.000001",
        output_cost_per_reasoning_token="0.000005",
        output_cost_per_reasoning_token_above_200k_tokens="0.000009",
        output_cost_per_reasoning_token_batches="0.000003",
    )

    reasoning = (each for each in found if each.dimension == "reasoning_tokens")
    assert prices(tuple(reasoning)) == {
        when(): 5,
        when(**long): 9,
        when(**flex): 2,
        when(**flex, **long): 8,
        when(service_class="batch"): 3,
        when(service_class="batch", **long): 3,
    }


def test_reasoning_without_a_price_of_its_own_gets_none_for_a_class() -> None:
    found = rates(
        output_cost_per_token="0.000004", output_cost_per_token_flex="0.000002"
    )

    assert {each.dimension for each in found} == {"output_tokens"}
