"""Customers' real usage against other limits."""

from datetime import timedelta

import pytest
from django.db import connection

from billing.models import Customer, Plan
from billing.queries.limit_simulation import (
    CALLS,
    Constrained,
    PeriodTooLongError,
    TooManyCallsError,
    Trial,
    count_calls,
    limits_of,
    simulate_customers,
    sort_constrained,
    try_limits,
    try_plan,
)
from ratelimits.models import RateLimit, RateLimitPolicy
from ratelimits.simulating import Rates
from tests import make
from tests.billing.limiting import called
from tests.make import NOW

pytestmark = pytest.mark.django_db
START, END = NOW - timedelta(days=1), NOW + timedelta(days=1)


@pytest.fixture
def plan() -> Plan:
    return make.plan()


@pytest.fixture
def customer(plan: Plan) -> Customer:
    return make.customer(plan=plan)


def trial(plan: Plan, rpm: int = 60, tpm: int = 100_000) -> Trial:
    limits = {"": Rates(rpm, tpm)}
    return try_limits(plan.rate_limit_policy, limits, start=START, end=END)


def run(trial: Trial) -> list[Constrained]:
    return sort_constrained(simulate_customers(trial))


def test_fewer_requests_constrain_a_customer(plan: Plan, customer: Customer) -> None:
    called(customer, [0, 0, 0, 1])

    [found] = run(trial(plan, rpm=2))

    assert (found.customer, found.calls, found.is_worse) == (customer, 4, True)
    assert (found.before.refused, found.after.refused_by_requests) == (0, 2)


def test_fewer_tokens_constrain_it_too(plan: Plan, customer: Customer) -> None:
    called(customer, [0, 0], input_tokens=60, output_tokens=40, cached_input_tokens=20)

    [found] = run(trial(plan, tpm=239))

    assert (found.after.refused_by_tokens, found.after.tokens_refused) == (1, 120)


def test_says_when_it_begins_and_when_it_is_worst(
    plan: Plan, customer: Customer
) -> None:
    called(customer, [0, 0, 3600, 3600, 3600, 7200])

    [found] = run(trial(plan, rpm=1))

    assert found.first_hour == NOW
    assert found.worst_hour == NOW + timedelta(hours=1)


def test_shows_nobody_an_hour_without_a_refusal(plan: Plan, customer: Customer) -> None:
    called(customer, [0])

    [found] = run(trial(plan))

    assert (found.first_hour, found.worst_hour, found.is_worse) == (None, None, False)


def test_calls_of_another_time_are_left_out(plan: Plan, customer: Customer) -> None:
    called(customer, [-86_401, -86_400, 86_399, 86_400])

    [found] = run(trial(plan))

    assert (found.calls, count_calls(trial(plan))) == (2, 2)


def test_customers_of_other_policies_are_left_out(plan: Plan) -> None:
    called(make.customer(), [0])

    assert run(trial(plan)) == []


def test_the_most_constrained_come_first(plan: Plan) -> None:
    for name, calls in [("cus_a", 1), ("cus_b", 3), ("cus_c", 2)]:
        called(make.customer(external_id=name, plan=plan), [0] * calls)

    found = run(trial(plan, rpm=1))

    assert [each.customer.external_id for each in found] == ["cus_b", "cus_c", "cus_a"]


def test_a_plan_is_tried_on_another_policy(plan: Plan, customer: Customer) -> None:
    called(customer, [0, 0])
    called(make.customer(external_id="cus_other"), [0, 0])

    [found] = run(try_plan(plan, make.policy(rpm=1), start=START, end=END))

    assert (found.customer, found.after.refused) == (customer, 1)


def test_dedicated_capacity_limits_nothing() -> None:
    policy = make.policy(rpm=1)
    RateLimit.objects.create(policy=policy, model="voice", rpm=2, tpm=3)
    assert limits_of(policy) == {"": Rates(1, 100_000), "voice": Rates(2, 3)}

    RateLimitPolicy.objects.update(is_dedicated=True)
    policy.refresh_from_db()

    assert limits_of(policy) == {}


@pytest.mark.parametrize("days", [0, -1, 32])
def test_a_time_that_is_none_or_too_long_is_refused(plan: Plan, days: int) -> None:
    with pytest.raises(PeriodTooLongError):
        try_limits(
            plan.rate_limit_policy, {}, start=NOW, end=NOW + timedelta(days=days)
        )


def test_too_many_calls_are_refused(plan: Plan, customer: Customer) -> None:
    called(customer, [0, 1, 2])

    assert count_calls(trial(plan), most=3) == 3
    with pytest.raises(TooManyCallsError, match=r"more than 2 calls"):
        count_calls(trial(plan), most=2)


def test_an_index_hands_out_the_calls_in_their_order(customer: Customer) -> None:
    called(customer, [0])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {CALLS}", [customer.pk, START, END])
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "Index Scan using billing_usageevent" in plan
    assert "customer_id_occurred_at_id_idx" in plan
    assert "->  Sort" not in plan
    assert not plan.startswith("Sort")
