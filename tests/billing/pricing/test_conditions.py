from collections.abc import Mapping

import pytest

from billing.pricing.conditions import (
    ALWAYS,
    ConditionError,
    read_days,
    read_when,
    read_window,
)


def refusal(conditions: Mapping[str, list[str]]) -> str:
    with pytest.raises(ConditionError) as caught:
        read_when(conditions)
    assert str(caught.value) == f"{caught.value.name} {caught.value.problem}"
    return str(caught.value)


def test_conditions_are_equal_in_whatever_order_they_are_written() -> None:
    one = read_when({"region": ["eu"], "hours": ["01:00-04:00"]})
    other = read_when({"hours": ["01:00-04:00"], "region": ["eu"]})

    assert one == other
    assert read_when({}) == ALWAYS


def test_conditions_are_read_back_from_what_is_stored() -> None:
    when = read_when({"region": ["eu", "us"], "context_above": ["200000"]})

    assert when.as_mapping() == {"context_above": ["200000"], "region": ["eu", "us"]}
    assert read_when(when.as_mapping()) == when


@pytest.mark.parametrize("name", ["Region", "a-b", "5m", "", "a" * 201])
def test_a_property_is_a_lower_case_name(name: str) -> None:
    assert "must be lower-case letters" in refusal({name: ["x"]})


@pytest.mark.parametrize(
    "name", ["input_tokens", "smell_tokens", "images", "model", "usage", "minimum"]
)
def test_a_price_depends_on_no_quantity(name: str) -> None:
    assert refusal({name: ["x"]}).endswith("no property that a price can depend on")


@pytest.mark.parametrize("texts", [[], ["eu", "eu"]])
def test_a_condition_has_values_each_once(texts: list[str]) -> None:
    assert "or a list of different ones" in refusal({"region": texts})


@pytest.mark.parametrize("text", ["", " eu", "a\nb", "x" * 201])
def test_a_value_can_be_read(text: str) -> None:
    assert "region must be 1 to 200 printable" in refusal({"region": [text]})


@pytest.mark.parametrize(
    "name", ["context_above", "context_from", "context_up_to", "context_below"]
)
@pytest.mark.parametrize("texts", [["1", "2"], ["-1"], ["1.5"], ["1_0"], ["1" * 13]])
def test_a_bound_is_one_whole_number(name: str, texts: list[str]) -> None:
    assert refusal({name: texts}) == f"{name} must be a whole number of tokens"


def test_a_context_has_one_bound_on_each_side() -> None:
    lower = {"context_above": ["1"], "context_from": ["2"]}
    upper = {"context_up_to": ["1"], "context_below": ["2"]}

    assert refusal(lower) == "context_from contradicts context_above"
    assert refusal(upper) == "context_below contradicts context_up_to"


@pytest.mark.parametrize("upper", ["context_up_to", "context_below"])
def test_some_context_lies_between_the_bounds(upper: str) -> None:
    assert refusal({"context_from": ["9"], upper: ["9"]}) == f"{upper} must be above 9"
    assert read_when({"context_from": ["9"], upper: ["10"]}) != ALWAYS


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("01:00-04:30", (60, 270)),
        ("22:00-04:00", (1320, 240)),
        ("00:00-24:00", (0, 1440)),
        ("10:00-00:00", (600, 0)),
        ("01:00-01:00", None),
        ("24:00-01:00", None),
        ("1:00-2:00", None),
        ("01:00-02:60", None),
        ("01:00", None),
    ],
)
def test_hours_are_two_times_of_day(text: str, window: tuple[int, int] | None) -> None:
    assert read_window(text) == window


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon", [0]),
        ("mon-fri", [0, 1, 2, 3, 4]),
        ("sat-mon", [5, 6, 0]),
        ("sun-sat", [6, 0, 1, 2, 3, 4, 5]),
        ("Mon", None),
        ("monday", None),
        ("1-5", None),
    ],
)
def test_weekdays_are_days_or_a_range_of_them(
    text: str, days: list[int] | None
) -> None:
    assert read_days(text) == days


def test_times_that_nobody_can_read_are_refused() -> None:
    assert refusal({"hours": ["late"]}) == "hours must be UTC times such as 22:00-04:00"
    assert refusal({"weekdays": ["x"]}) == "weekdays must be days such as mon-fri"


@pytest.mark.parametrize("name", ["context_from", "context_below"])
def test_a_bound_that_tells_no_calls_apart_is_refused(name: str) -> None:
    assert refusal({name: ["0"]}) == f"{name} must be above 0"


@pytest.mark.parametrize("name", ["context_window", "context_over", "context_size"])
def test_a_name_like_that_of_a_bound_is_refused(name: str) -> None:
    assert refusal({name: ["9"]}) == (
        f"{name} is no bound of the context: "
        "context_above, context_from, context_up_to, context_below"
    )
