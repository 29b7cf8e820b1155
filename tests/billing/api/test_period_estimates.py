"""`POST /v1/estimates` where a price depends on the period, or on the hour."""

from typing import Any

import pytest

from billing.models import Customer
from tests import make
from tests.billing.api.test_estimates import estimate

pytestmark = pytest.mark.django_db
VOLUME = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    per_period: volume
    free_per_period: 10
    tiers:
      - up_to: 100
        price_usd: 5
      - price_usd: 4
        flat_usd: 3
  - dimension: pages
    unit: 1 page
    minimum_per_period_usd: 50
    maximum_per_period_usd: 80
    price_usd: 1
---
model: "*"
rates:
  - dimension: images
    unit: 1 image
    per_period: volume
    tiers:
      - up_to: 100
        price_usd: 5
      - price_usd: 4
"""
GRADUATED = VOLUME.replace("per_period: volume", "per_period: graduated")
PACKAGE = """\
model: m
rates:
  - dimension: images
    unit: 100 images
    per_period: package
    price_usd: 7
"""


def customer_on(text: str) -> Customer:
    return make.customer(plan=make.plan(card=make.rate_card(text)))


def workload(calls: Any, model: str = "m", **properties: Any) -> dict[str, Any]:
    return {"model": model, "calls_per_day": calls, "properties": properties}


@pytest.mark.parametrize("text", [VOLUME, GRADUATED, PACKAGE])
@pytest.mark.parametrize("each", [1, 2, 3])
def test_two_workloads_cost_what_one_of_both_does(text: str, each: int) -> None:
    customer = customer_on(text)
    half = workload(1, images=each)

    together = estimate(customer, half, half)["amount"]

    assert together == estimate(customer, workload(2, images=each))["amount"]
    assert together == estimate(customer, workload(1, images=2 * each))["amount"]


def test_a_volume_price_is_that_of_all_workloads() -> None:
    answer = estimate(customer_on(VOLUME), workload(3, images=1), workload(1, images=1))

    # Of 120 images 10 are free and 110 are in the second tier, flat price included.
    assert [each["amount"] for each in answer["workloads"]] == ["320", "123"]


def test_models_that_share_their_prices_count_together() -> None:
    customer = customer_on(VOLUME)
    make.terms(customer, by_model={"x": "50"})

    answer = estimate(
        customer, workload(2, model="x", images=1), workload(2, model="y", images=1)
    )

    assert [each["amount"] for each in answer["workloads"]] == ["120", "240"]


@pytest.mark.parametrize(
    ("calls", "amount"), [((1, 2), "80"), ((1, 1), "60"), (("0.5", "0.5"), "50")]
)
def test_bounds_hold_for_all_workloads_once(calls: Any, amount: str) -> None:
    both = [workload(each, pages=1) for each in calls]

    assert estimate(customer_on(VOLUME), *both)["amount"] == amount


@pytest.mark.parametrize(
    ("days", "amount"), [(15, "50"), (30, "60"), (45, "110"), (60, "120"), (90, "180")]
)
def test_the_period_begins_anew_every_thirty_days(days: int, amount: str) -> None:
    answer = estimate(customer_on(VOLUME), workload(2, pages=1), days=days)

    assert answer["amount"] == amount
    [found] = answer["workloads"]
    assert found["calls"] == str(2 * days)
    assert sum(int(each["quantity"]) for each in found["charges"]) == 2 * days


def test_which_days_are_meant_is_said() -> None:
    answer = estimate(customer_on(PACKAGE), workload(1, images=100), days=75)

    assert [each["explanation"] for each in answer["workloads"][0]["charges"]] == [
        "In each of 2 periods of 30 days: 3,000 images begin 30 packages of 100 images"
        " at $7.00 = $210.00.",
        "In 15 days: 1,500 images begin 15 packages of 100 images at $7.00 = $105.00.",
    ]


def test_days_are_not_cut_where_no_price_depends_on_the_period() -> None:
    workload = {"model": "text-gen-v3", "calls_per_day": 1, "input_tokens": 1000}

    answer = estimate(make.customer(), workload, days=45)

    assert len(answer["workloads"][0]["charges"]) == 1


HOURS = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    price_usd: 2
  - dimension: images
    unit: 1 image
    price_usd: 1
    when:
      hours: 22:00-04:00
      size: large
  - dimension: images
    unit: 2 images
    price_usd: 4
    when:
      hours: 22:00-04:00
      size: small
  - dimension: pages
    unit: 1 page
    price_usd: 3
    when:
      hours: 11:00-13:00
"""


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"images": 1}, False),
        ({"images": 1, "size": "large"}, True),
        ({"images": 0, "size": "large"}, False),
        # Two at 4 cost what one at 2 does.
        ({"images": 1, "size": "small"}, False),
        # At other hours pages have no price.
        ({"pages": 1}, True),
    ],
)
def test_the_hour_matters_where_a_price_of_the_workload_differs(
    properties: dict[str, Any], expected: bool
) -> None:
    answer = estimate(customer_on(HOURS), workload(1, **properties))

    assert answer["workloads"][0]["depends_on_time"] is expected
