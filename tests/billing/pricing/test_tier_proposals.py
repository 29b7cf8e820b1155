"""Which tier would have been enough."""

from decimal import Decimal

import pytest

from billing.pricing.tier_proposals import (
    Demand,
    Pressed,
    Tier,
    Traffic,
    demand_of,
    fits,
    propose_tier,
)
from ratelimits.simulating import Limits, Rates

FREE = {"": Rates(60, 1000)}


def tier(code: str, fee: int, limits: Limits, currency: str = "USD") -> Tier:
    return Tier(code, code.title(), currency, Decimal(fee), limits)


def demand(requests: int, tokens: int = 0) -> Demand:
    traffic = Traffic(requests, tokens)
    return Demand({"a": traffic}, traffic)


NOW = tier("free", 0, FREE)
TIERS = [
    tier("huge", 900, {}),
    tier("large", 500, {"": Rates(500, 9000)}),
    tier("small", 100, {"": Rates(100, 9000)}),
    tier("euro", 50, {"": Rates(999, 9000)}, "EUR"),
    NOW,
]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (demand(100), "small"),
        (demand(101), "large"),
        (demand(1, 9001), "huge"),
        (demand(5000), "huge"),
    ],
)
def test_the_cheapest_that_fits_is_proposed(asked: Demand, code: str) -> None:
    found = propose_tier(NOW, TIERS, asked)

    assert found
    assert found.code == code


def test_nothing_is_proposed_to_who_is_on_the_highest() -> None:
    assert propose_tier(TIERS[0], TIERS, demand(5000)) is None


def test_dedicated_capacity_is_the_last_resort_whatever_its_fee() -> None:
    free = tier("own", 0, {})

    assert propose_tier(NOW, [free, *TIERS], demand(100)) == TIERS[2]
    assert propose_tier(TIERS[1], [free, *TIERS], demand(5000)) == free


def test_nothing_cheaper_is_proposed() -> None:
    assert propose_tier(TIERS[1], TIERS[1:], demand(100)) is None


class TestFits:
    def test_models_that_share_a_limit_are_added(self) -> None:
        each = Traffic(40, 0)
        asked = Demand({"a": each, "b": each}, Traffic(80, 0))

        assert not fits({"": Rates(79, None)}, asked)
        assert fits({"": Rates(80, None)}, asked)

    def test_they_are_no_more_than_all_were_together(self) -> None:
        each = Traffic(40, 0)
        asked = Demand({"a": each, "b": each}, Traffic(50, 0))

        assert fits({"": Rates(50, None)}, asked)

    def test_a_model_has_its_own_limit(self) -> None:
        asked = Demand({"a": Traffic(90, 0), "b": Traffic(10, 0)}, Traffic(100, 0))

        assert fits({"": Rates(10, None), "a": Rates(90, None)}, asked)
        assert not fits({"": Rates(10, None), "a": Rates(89, None)}, asked)
        assert not fits({"": Rates(9, None), "a": Rates(90, None)}, asked)


class TestDemand:
    def test_what_was_refused_is_spread_over_its_hour(self) -> None:
        peak = Traffic(50, 500)

        found = demand_of({"a": peak}, peak, {"a": Pressed(1201, 600_001)}, {})

        assert found.by_model == {"a": Traffic(71, 10_501)}
        assert found.together == Traffic(71, 10_501)

    def test_what_a_limit_refused_was_more_than_the_limit(self) -> None:
        peak = Traffic(5, 50)

        found = demand_of({"a": peak}, peak, {"a": Pressed(1, 1)}, FREE)

        assert found.by_model == {"a": Traffic(61, 1001)}
        assert found.together == Traffic(61, 1001)

    def test_a_model_whose_calls_were_all_refused_is_in_it(self) -> None:
        found = demand_of({}, Traffic(), {"b": Pressed(0, 6000)}, {"b": Rates(5, 50)})

        assert found.by_model == {"b": Traffic(0, 100)}

    def test_what_nothing_refused_stays(self) -> None:
        peak = Traffic(7, 70)

        assert demand_of({"a": peak}, peak, {}, FREE) == Demand({"a": peak}, peak)
