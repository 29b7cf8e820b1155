import time
from decimal import Decimal

import pytest

from billing.pricing.conditions import read_when
from billing.pricing.scopes import Scope, find_clash, narrowest, scope_of


def scope(**conditions: str | list[str]) -> Scope:
    return scope_of(
        read_when(
            {
                name: [texts] if isinstance(texts, str) else texts
                for name, texts in conditions.items()
            }
        )
    )


def holds_context(limits: Scope, context: str) -> bool:
    return limits.holds({}, (Decimal(context), 0), 0)


@pytest.mark.parametrize(
    ("bound", "below", "at", "above"),
    [
        ("context_above", False, False, True),
        ("context_from", False, True, True),
        ("context_up_to", True, True, False),
        ("context_below", True, False, False),
    ],
)
def test_a_bound_includes_what_its_name_says(
    bound: str, below: bool, at: bool, above: bool
) -> None:
    limits = scope(**{bound: "100"})

    assert holds_context(limits, "99.5") is below
    assert holds_context(limits, "100") is at
    assert holds_context(limits, "100.5") is above


@pytest.mark.parametrize(
    ("hours", "minute", "inside"),
    [
        ("01:00-04:00", 59, False),
        ("01:00-04:00", 60, True),
        ("01:00-04:00", 239, True),
        ("01:00-04:00", 240, False),
        ("22:00-02:00", 1320, True),
        ("22:00-02:00", 119, True),
        ("22:00-02:00", 120, False),
        ("10:00-00:00", 1439, True),
        ("10:00-00:00", 0, False),
        ("00:00-24:00", 1439, True),
    ],
)
def test_hours_include_their_start_and_not_their_end(
    hours: str, minute: int, inside: bool
) -> None:
    for day in range(7):
        assert scope(hours=hours).holds({}, (0, 0), day * 1440 + minute) is inside


def test_a_weekday_is_that_of_the_moment_even_behind_midnight() -> None:
    nights = scope(hours="22:00-02:00", weekdays="fri")

    assert nights.holds({}, (0, 0), 4 * 1440 + 60)
    assert not nights.holds({}, (0, 0), 5 * 1440 + 60)


def test_a_property_has_one_of_the_values() -> None:
    europe = scope(region=["eu", "uk"])

    assert europe.holds({"region": "uk"}, (0, 0), 0)
    assert not europe.holds({"region": "us"}, (0, 0), 0)
    assert not europe.holds({"region": None}, (0, 0), 0)


def test_the_bounds_of_a_context_are_one_condition() -> None:
    assert scope().conditions == 0
    assert scope(context_above="1", context_up_to="9").conditions == 1
    assert scope(hours="01:00-02:00", weekdays="sat", region="eu").conditions == 3


def test_more_conditions_win_and_among_equally_many_the_inner() -> None:
    wide, inner, two = (
        scope(region=["eu", "us"]),
        scope(region="eu"),
        scope(region=["eu", "us"], service_class="batch"),
    )

    assert narrowest([(wide, "wide"), (inner, "inner")]) == (inner, "inner")
    assert narrowest([(inner, "inner"), (wide, "wide")]) == (inner, "inner")
    assert narrowest([(inner, "inner"), (two, "two")]) == (two, "two")
    assert narrowest([]) is None


@pytest.mark.parametrize(
    "scopes",
    [
        [scope(), scope()],
        [scope(region=["eu", "us"]), scope(region=["us", "eu"])],
        [scope(weekdays="mon-tue"), scope(weekdays=["mon", "tue"])],
        [scope(region="eu"), scope(service_class="batch")],
        [scope(region=["eu", "us"]), scope(region=["us", "cn"])],
        [scope(context_above="9"), scope(context_up_to="10")],
        [scope(hours="01:00-03:00"), scope(hours="02:00-04:00")],
    ],
)
def test_two_rates_that_could_both_price_a_call_clash(scopes: list[Scope]) -> None:
    assert find_clash([scope(region="cn", service_class="flex"), *scopes]) == (1, 2)


@pytest.mark.parametrize(
    "scopes",
    [
        [scope(), scope(region="eu")],
        [scope(region="eu"), scope(region="us")],
        [scope(region=["eu", "us"]), scope(region="us")],
        [scope(context_above="9"), scope(context_up_to="9")],
        [scope(context_from="9"), scope(context_below="9")],
        [scope(context_above="9"), scope(context_above="99")],
        [scope(hours="01:00-03:00"), scope(hours="03:00-04:00")],
        [scope(hours="01:00-03:00", weekdays="mon"), scope(weekdays="sat-sun")],
        [
            scope(region="eu"),
            scope(service_class="batch"),
            scope(region="eu", service_class="batch"),
        ],
        [scope(region=["a", "b"]), scope(region=["b", "c"]), scope(region="b")],
    ],
)
def test_no_rates_clash_of_which_one_always_wins(scopes: list[Scope]) -> None:
    assert find_clash(scopes) is None


def test_very_many_rates_are_compared_in_no_time() -> None:
    shared = [scope(region=["a", f"b{i}"]) for i in range(199)]
    started = time.process_time()

    assert find_clash([*shared, scope(region="a")]) is None
    assert find_clash(shared) == (0, 1)
    assert time.process_time() - started < 2


def test_a_rate_that_decides_only_some_shared_calls_is_not_enough() -> None:
    scopes = [
        scope(region="eu"),
        scope(service_class=["batch", "flex"]),
        scope(region="eu", service_class="batch"),
    ]

    assert find_clash(scopes) == (0, 1)
