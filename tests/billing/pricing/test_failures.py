import pytest

from billing.pricing.rating import (
    Rated,
    Reason,
    Terms,
    UnratableError,
    rate_event,
)
from tests.billing.pricing.oracles import catalogue_card

WAIVING = Terms(waives_failed_calls=True)


def rate(terms: Terms, **event: object) -> Rated:
    return rate_event(catalogue_card(), "gpt-4o", event, at=None, terms=terms)


@pytest.mark.parametrize("status", ["error", "Failed", "failure", 500, "429", 400])
def test_a_failed_call_without_output_is_waived_and_says_so(status: object) -> None:
    rated = rate(WAIVING, input_tokens=100, output_tokens=0, status=status)

    assert rated == Rated((), waived="failed_call")


def test_a_model_that_nobody_knows_may_fail_for_nothing() -> None:
    event = {"status": "error"}

    rated = rate_event(catalogue_card(), "typo", event, at=None, terms=WAIVING)

    assert rated.waived == "failed_call"


def test_a_failed_call_is_charged_unless_the_terms_waive_it() -> None:
    rated = rate(Terms(), input_tokens=100, output_tokens=0, status="error")

    assert rated.waived is None
    assert rated.lines[0].amount > 0


@pytest.mark.parametrize("status", ["ok", 200, "399", None, True, "", "²"])
def test_a_call_that_did_not_fail_is_charged(status: object) -> None:
    assert rate(WAIVING, input_tokens=100, status=status).lines


@pytest.mark.parametrize("part", ["output_tokens", "reasoning_tokens"])
def test_what_was_generated_before_an_error_is_charged(part: str) -> None:
    assert rate(WAIVING, input_tokens=100, status="error", **{part: 1}).lines


def test_the_output_may_stand_in_a_usage_block() -> None:
    some = {"prompt_tokens": 5, "completion_tokens": 1}
    none = {"prompt_tokens": 5, "completion_tokens": 0}

    assert rate(WAIVING, status=500, usage=some).lines
    assert rate(WAIVING, status=500, usage=none).waived


def test_an_output_that_is_no_number_is_no_zero() -> None:
    with pytest.raises(UnratableError) as caught:
        rate(WAIVING, status="error", output_tokens="none")

    assert caught.value.reason is Reason.BAD_QUANTITY
