"""Customers that outgrow their tier."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from billing.models import Customer, Plan
from billing.pricing.tier_proposals import Traffic
from billing.queries import limit_pressure
from billing.queries.limit_pressure import LimitPressure, list_pressure
from billing.queries.peaks import find_peaks
from ratelimits.models import RateLimitPolicy
from tests import make
from tests.billing.limiting import called, plan_with, refuse
from tests.make import NOW

pytestmark = pytest.mark.django_db
START, END = NOW - timedelta(days=30), NOW + timedelta(hours=1)


@pytest.fixture
def plan() -> Plan:
    return plan_with(rpm=60, tpm=100_000)


@pytest.fixture
def customer(plan: Plan) -> Customer:
    return make.customer(plan=plan)


def pressed() -> list[LimitPressure]:
    return list_pressure(start=START, end=END)


def test_counts_refusals_by_limit(customer: Customer) -> None:
    called(customer, [0, 1])
    limits = ("requests", "tokens", "concurrent_requests", "account_credits")
    for limit in (*limits, "credit_limit", "key_limit", "spend_cap", "spend_cap"):
        refuse(customer, limit)

    [found] = pressed()

    assert (found.calls, found.refusals, found.refused_by_rates) == (2, 8, 3)
    assert (found.refused_by_credits, found.refused_by_caps) == (2, 3)
    assert found.share == Decimal("30.00")
    assert found.tokens == Decimal(80)
    assert (found.amount, found.rates_amount) == (Decimal(4), Decimal("1.5"))


def test_other_times_are_left_out(customer: Customer) -> None:
    refuse(customer, "requests", at=START - timedelta(hours=1))
    refuse(customer, "requests", at=END)
    called(customer, [-86_400 * 31])

    assert pressed() == []

    refuse(customer, "requests")
    assert [each.calls for each in pressed()] == [0]


def test_who_is_pressed_most_comes_first(plan: Plan) -> None:
    for name, calls, refusals in [("cus_a", 9, 1), ("cus_b", 1, 1), ("cus_c", 1, 0)]:
        each = make.customer(external_id=name, plan=plan)
        called(each, list(range(calls)))
        refuse(each, "requests", times=refusals)
        refuse(each, "spend_cap", times=2)

    names = [each.customer.external_id for each in pressed()]

    assert names == ["cus_b", "cus_a", "cus_c"]


def test_the_list_ends(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit_pressure, "MOST_CUSTOMERS", 1)
    for name, refusals in [("cus_a", 1), ("cus_b", 2)]:
        each = make.customer(external_id=name, plan=plan)
        refuse(each, "requests", times=refusals)

    assert [each.customer.external_id for each in pressed()] == ["cus_b"]


class TestPeaks:
    def test_are_of_the_busiest_minutes(self, customer: Customer) -> None:
        called(customer, [0, 59, 60], input_tokens=10, output_tokens=1)
        called(customer, [120], input_tokens=500, output_tokens=1)

        peaks = find_peaks(customer, start=START, end=END, most=10)

        assert peaks.by_model == {"text-gen-v3": Traffic(2, 501)}
        assert (peaks.together, peaks.calls) == (Traffic(2, 501), 4)

    def test_are_of_the_latest_calls_if_there_are_many(
        self, customer: Customer
    ) -> None:
        called(customer, [0, 0, 0, 60, 60])

        peaks = find_peaks(customer, start=START, end=END, most=2)

        assert (peaks.together.requests, peaks.calls) == (2, 2)

    def test_are_none_without_calls(self, customer: Customer) -> None:
        peaks = find_peaks(customer, start=START, end=END, most=2)

        assert (peaks.by_model, peaks.together, peaks.calls) == ({}, Traffic(), 0)


class TestProposal:
    def test_is_the_tier_that_fits_and_its_revenue(self, customer: Customer) -> None:
        plan_with(rpm=600, tpm=10**6, fee="100", name="Paid")
        called(customer, [0])
        refuse(customer, "requests", times=3)

        [found] = pressed()

        assert found.tier
        assert found.tier.name == "Paid"
        assert found.fee_difference == Decimal(100)
        assert found.revenue == Decimal("101.5")

    def test_needs_room_for_what_was_refused(self, customer: Customer) -> None:
        plan_with(rpm=61, tpm=100_000, fee="10", name="Small")
        plan_with(rpm=62, tpm=100_000, fee="20", name="Large")
        called(customer, [0] * 60)
        refuse(customer, "requests", times=61)

        [found] = pressed()

        assert found.tier
        assert found.tier.name == "Large"

    def test_is_dedicated_capacity_where_nothing_else_fits(
        self, customer: Customer
    ) -> None:
        plan = plan_with(rpm=1, tpm=1, fee="500", name="Own")
        RateLimitPolicy.objects.filter(plan=plan).update(is_dedicated=True)
        refuse(customer, "tokens")

        [found] = pressed()

        assert found.tier
        assert found.tier.name == "Own"

    @pytest.mark.parametrize("limit", ["account_credits", "spend_cap"])
    def test_there_is_none_for_what_is_about_money(
        self, customer: Customer, limit: str
    ) -> None:
        plan_with(rpm=600, tpm=10**6, fee="100", name="Paid")
        refuse(customer, limit)

        [found] = pressed()

        assert found.tier is None
        assert make.row(found.fee_difference, found.revenue) == (0, 0)


def test_more_customers_cost_one_query_each(
    plan: Plan, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        refuse(make.customer(external_id=f"cus_{number}", plan=plan), "requests")

    with django_assert_num_queries(10):
        assert len(pressed()) == 3
