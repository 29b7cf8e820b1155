"""The portal's page on limits: what is used now, what was refused, what raises them."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import Customer, Plan
from billing.queries.admission import Call
from billing.queries.callers import get_caller
from billing.services.admission import admit_call
from billing.services.refusals import roll_up_refusals
from ratelimits.models import RateLimit, RateLimitPolicy
from tests import make, pages
from tests.billing import dollars

pytestmark = pytest.mark.django_db
PAGE = "/portal/limits/"


@pytest.fixture
def customer() -> Customer:
    return dollars.customer(credits="100")


@pytest.fixture
def page(client: Client, customer: Customer) -> Client:
    client.force_login(make.member(customer))
    return client


def read(page: Client) -> str:
    return pages.words(pages.read(page, PAGE))


def ask(
    customer: Customer, times: int, *, tokens: int = 1, at: datetime | None = None
) -> None:
    for _ in range(times):
        call = Call(
            request_id=f"req_{make.unique()}",
            model=dollars.MODEL,
            properties={"output_tokens": tokens},
        )
        caller = get_caller(customer.external_id)
        admit_call(caller=caller, call=call, at=at or timezone.now())


def limit(customer: Customer, **changed: int) -> None:
    policy = customer.plan.rate_limit_policy
    RateLimit.objects.filter(policy=policy).update(**changed)


def raise_tier(customer: Customer, *, rpm: int, tpm: int) -> Plan:
    now = customer.plan
    return Plan.objects.create(
        code="team",
        name="Team",
        monthly_fee=Decimal(40),
        rate_card=now.rate_card,
        rate_limit_policy=make.policy(rpm=rpm, tpm=tpm),
    )


def test_says_what_is_used_and_left(page: Client, customer: Customer) -> None:
    # A minute is too short for one more request to come back.
    limit(customer, rpm=4, tpm=1_000, concurrency=5)
    ask(customer, 2, tokens=30)

    shown = read(page)

    assert "2 of 4 used, 2 left now" in shown
    assert "2 of 5 used, 3 left now" in shown
    assert "$60.00, given back or charged" in shown


def test_says_what_was_refused(page: Client, customer: Customer) -> None:
    limit(customer, rpm=1, tpm=1_000)
    ask(customer, 3, tokens=7)
    roll_up_refusals(at=timezone.now())

    shown = read(page)

    assert "Calls that were refused, by hour: 2 in all" in shown
    assert "dollar-token Requests 2 14 $14.00" in shown


def test_forgets_what_was_refused_long_ago(page: Client, customer: Customer) -> None:
    limit(customer, rpm=1, tpm=1_000)
    ask(customer, 2, at=timezone.now() - timedelta(days=8))
    roll_up_refusals(at=timezone.now())

    assert "No call was refused." in read(page)


def test_says_what_raises_the_tier(page: Client, customer: Customer) -> None:
    raise_tier(customer, rpm=600, tpm=1_000_000)

    shown = read(page)

    assert "What raises your limits" in shown
    assert "$40.00 a month: 600 requests and 1,000,000 tokens per minute" in shown


def test_proposes_no_tier_that_is_lower(page: Client, customer: Customer) -> None:
    raise_tier(customer, rpm=600, tpm=1_000)

    assert "What raises your limits" not in read(page)


def test_says_that_capacity_is_dedicated(page: Client) -> None:
    RateLimitPolicy.objects.update(is_dedicated=True)

    shown = read(page)

    assert "Your capacity is dedicated" in shown
    assert "Requests per minute" not in shown


def test_says_that_it_does_not_know_while_the_gate_is_away(
    page: Client, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"

    shown = read(page)

    assert "60 at most; how much is used is not known at the moment." in shown
    assert "Held by calls" not in shown


def test_costs_few_queries(
    page: Client,
    customer: Customer,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    ask(customer, 3)

    with django_assert_max_num_queries(12):
        shown = read(page)

    assert "3 of 60 used" in shown
