from collections.abc import Mapping
from decimal import Decimal

import pytest

from billing.pricing.quantities import Reason, UnratableError
from billing.pricing.rating import rate_usage
from billing.pricing.usage import read_usage
from tests.billing.pricing.oracles import catalogue_card


def refusal(event: Mapping[str, object]) -> UnratableError:
    with pytest.raises(UnratableError) as caught:
        read_usage(event)
    return caught.value


def test_parts_that_are_disjoint_already_stay_as_they_are() -> None:
    event = {"input_tokens": 412, "cached_input_tokens": 1000}

    assert read_usage(event) is event


@pytest.mark.parametrize("flag", [True, "true"])
def test_a_total_of_the_input_loses_its_parts(flag: object) -> None:
    event = {
        "input_tokens": 1000,
        "cached_input_tokens": 700,
        "cache_write_1h_tokens": "100.5",
        "audio_input_tokens": 99,
        "output_tokens": 50,
        "reasoning_tokens": 20,
        "input_is_total": flag,
    }

    read = read_usage(event)

    assert read["input_tokens"] == Decimal("100.5")
    assert read["output_tokens"] == 50
    assert read["cached_input_tokens"] == 700


def test_a_total_of_the_output_loses_its_parts() -> None:
    event = {"output_tokens": 50, "reasoning_tokens": 50, "output_is_total": True}

    assert read_usage(event)["output_tokens"] == 0


@pytest.mark.parametrize("flag", [False, "false", None])
def test_a_flag_that_is_not_set_changes_nothing(flag: object) -> None:
    event = {
        "input_tokens": 9,
        "cached_input_tokens": 9,
        "input_is_total": flag,
        "output_is_total": flag,
        "usage": None,
    }

    assert read_usage(event) == event


@pytest.mark.parametrize("flag", [1, 0, "True", "yes", "", [], {}])
@pytest.mark.parametrize("name", ["input_is_total", "output_is_total"])
def test_a_flag_that_is_neither_true_nor_false_is_refused_by_name(
    name: str, flag: object
) -> None:
    refused = refusal({"input_tokens": 9, name: flag})

    assert refused.reason is Reason.BAD_QUANTITY
    assert refused.detail == f"{name} must be true or false."


def test_parts_above_their_total_are_refused_by_name() -> None:
    event = {
        "input_tokens": 100,
        "cached_input_tokens": 90,
        "audio_input_tokens": 11,
        "input_is_total": True,
    }

    assert refusal(event).reason is Reason.PARTS_EXCEED_TOTAL
    assert refusal(event).detail == (
        "audio_input_tokens and cached_input_tokens (101) exceed input_tokens (100), "
        "which is stated as their total."
    )


def test_parts_of_a_total_that_is_not_stated_are_refused() -> None:
    detail = refusal({"reasoning_tokens": 1, "output_is_total": True}).detail

    assert detail.startswith("reasoning_tokens (1) exceed output_tokens (0)")


def test_tokens_stand_in_a_block_or_beside_it_but_not_in_both() -> None:
    block = {"prompt_tokens": 1, "completion_tokens": 1}

    detail = refusal({"usage": block, "cached_input_tokens": 1}).detail

    assert detail == "cached_input_tokens must not stand beside a usage block."


def test_other_quantities_may_stand_beside_a_block() -> None:
    block = {"prompt_tokens": 5, "completion_tokens": 1, "service_tier": "flex"}

    read = read_usage({"usage": block, "images": 2, "service_class": "batch"})

    assert read["images"] == 2
    assert read["input_tokens"] == 5
    assert read["service_class"] == "batch"


def test_a_block_states_its_class_of_service_for_prices_that_depend_on_it() -> None:
    block = {"prompt_tokens": 10**6, "completion_tokens": 0, "service_tier": "priority"}

    input_line, _ = rate_usage(catalogue_card(), "gpt-4o", {"usage": block})

    assert input_line.unit_price == Decimal("4.25")


@pytest.mark.parametrize(
    ("beside", "service_class"),
    [
        ({"service_tier": "Priority"}, "priority"),
        ({"service_tier": "priority", "service_class": "batch"}, "batch"),
        ({"service_tier": 7}, None),
    ],
)
def test_a_service_tier_beside_a_block_is_the_class_unless_one_is_stated(
    beside: dict[str, object], service_class: str | None
) -> None:
    event = {"usage": {"prompt_tokens": 5, "completion_tokens": 1}, **beside}

    assert read_usage(event).get("service_class") == service_class
