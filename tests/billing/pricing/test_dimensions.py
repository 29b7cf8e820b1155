from decimal import Decimal

import pytest

from billing.pricing.dimensions import STANDARD, context_tokens, is_dimension


@pytest.mark.parametrize("name", sorted(STANDARD))
def test_every_standard_name_is_a_dimension(name: str) -> None:
    assert is_dimension(name)


def test_a_kind_of_tokens_nobody_has_heard_of_is_a_dimension() -> None:
    assert is_dimension("smell_input_tokens")


def test_the_total_of_tokens_is_never_a_dimension() -> None:
    assert not is_dimension("total_tokens")


@pytest.mark.parametrize("name", ["latency_ms", "request_type", "model", "tokens"])
def test_other_properties_are_no_dimensions(name: str) -> None:
    assert not is_dimension(name)


def test_the_input_is_the_context() -> None:
    quantities = {"input_tokens": Decimal(412), "output_tokens": Decimal(1083)}

    assert context_tokens(quantities) == 412


def test_an_event_without_input_has_no_context() -> None:
    assert context_tokens({"images": Decimal(2)}) == 0
