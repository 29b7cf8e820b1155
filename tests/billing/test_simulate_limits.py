"""The command that tries real calls on other limits."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from billing.models import Customer, Plan
from tests import make
from tests.billing.limiting import called
from tests.ratelimits.test_simulating import mooncake

pytestmark = pytest.mark.django_db
DAY = ("--from", "2026-11-15", "--to", "2026-11-16")


@pytest.fixture
def customer() -> Customer:
    return make.customer()


def run(plan: Plan, *options: str, days: tuple[str, ...] = DAY) -> list[str]:
    output = StringIO()
    code = plan.rate_limit_policy.code
    call_command("simulate_limits", code, *days, *options, stdout=output)
    return [" ".join(line.split()) for line in output.getvalue().splitlines()]


def test_prints_who_would_be_constrained(customer: Customer) -> None:
    called(customer, [0, 0, 0])

    head, _, _, row = run(customer.plan, "--limit", "2/-")

    assert head == "3 calls of 1 customer: more would be refused for 1 of them."
    assert row == (
        f"cus_abc123 {customer.plan.code} 3 0 1 1 0 33.33% 100% "
        "2026-11-15 12:00 2026-11-15 12:00"
    )


def test_changes_the_limit_of_one_model(customer: Customer) -> None:
    called(customer, [0, 0])

    assert " 2 0 1 0 1 " in run(customer.plan, "--limit", "text-gen-v3=9/1500")[3]
    assert " 2 0 0 0 0 " in run(customer.plan, "--limit", "voice=1/1")[3]


def test_tries_another_policy_for_one_plan(customer: Customer) -> None:
    called(customer, [0, 0])
    small = make.policy(rpm=1)

    lines = run(customer.plan, "--as-policy", small.code, "--plan", customer.plan.code)

    assert " 2 0 1 1 0 " in lines[3]


def test_says_that_nobody_called(customer: Customer) -> None:
    assert run(customer.plan) == [
        "0 calls of 0 customers: more would be refused for 0 of them."
    ]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--plan", "none"], "There is no plan none."),
        (["--as-policy", "none"], "There is no policy none."),
        (["--limit", "many"], "is no number per minute"),
        (["--limit", "0/5"], "is no number per minute"),
        (["--to", "2027-01-01"], "31 days at most"),
    ],
)
def test_says_what_is_wrong(
    customer: Customer, options: list[str], problem: str
) -> None:
    with pytest.raises(CommandError, match=problem):
        run(customer.plan, *options)


def test_real_traffic_is_refused_as_its_bucket_says(customer: Customer) -> None:
    start = datetime(2026, 11, 15, tzinfo=UTC)
    events = [
        make.event(
            f"kimi_{number}",
            occurred_at=start + timedelta(milliseconds=call.at),
            input_tokens=call.tokens,
            output_tokens=0,
        )
        for number, call in enumerate(mooncake()[:500])
    ]
    make.record(*events, at=start + timedelta(hours=1))

    lines = run(customer.plan, "--limit", "100/-")

    # Two and a half minutes: 100 at once, and 100 in each minute.
    refused = int(lines[3].split()[4])
    minutes = (events[-1].occurred_at - start) / timedelta(minutes=1)
    assert 500 - refused == pytest.approx(100 + 100 * minutes, abs=2)
