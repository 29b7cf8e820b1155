"""`POST /v1/estimates`, as a gateway and as a customer's program call it."""

import json
from decimal import Decimal
from typing import Any, cast

import pytest
from django.test import Client

from billing.models import Customer
from tests import make
from tests.http import Answer

pytestmark = pytest.mark.django_db
CARD = f"""\
{make.SEED_CARD}
---
model: images
minimum_usd: 0.02
rates:
  - dimension: images
    unit: 1 image
    per_period: volume
    tiers:
      - up_to: 100
        price_usd: 0.05
      - price_usd: 0.04
        flat_usd: 1
  - dimension: requests
    unit: 1 request
    price_usd: 0
"""
SEED_WORKLOAD = {
    "model": "text-gen-v3",
    "calls_per_day": 100,
    "input_tokens": 412,
    "output_tokens": 1083,
}


@pytest.fixture
def customer() -> Customer:
    plan = make.plan(card=make.rate_card(CARD), monthly_fee="100")
    return make.customer(plan=plan)


def ask(body: dict[str, Any], *, key: str = "") -> Answer:
    response = Client().post(
        "/v1/estimates",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key or make.service_key()}"},
    )
    return cast("Answer", response)


def estimate(customer: Customer, *workloads: dict[str, Any], **more: Any) -> Any:
    body = {"customer_id": customer.external_id, "workloads": workloads, **more}
    answer = ask(body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_equal_calls_cost_what_one_does_times_their_number(customer: Customer) -> None:
    answer = estimate(customer, SEED_WORKLOAD)

    assert answer["amount"] == "42.696"
    assert answer["per_day"] == "1.4232"
    assert (answer["currency"], answer["monthly_fee"]) == ("USD", "100")
    [workload] = answer["workloads"]
    assert (workload["calls"], workload["per_call"]) == ("3000", "0.014232")
    assert [charge["explanation"] for charge in workload["charges"]] == [
        "1,236,000 input_tokens at $0.003 per 1,000 tokens = $3.708.",
        "3,249,000 output_tokens at $0.012 per 1,000 tokens = $38.988.",
    ]


def test_a_cached_share_is_a_part_of_the_input(customer: Customer) -> None:
    answer = estimate(customer, {**SEED_WORKLOAD, "cached_share": 0.25})

    charges = answer["workloads"][0]["charges"]
    assert {each["dimension"]: each["quantity"] for each in charges} == {
        "input_tokens": "927000",
        "cached_input_tokens": "309000",
        "output_tokens": "3249000",
    }
    assert answer["amount"] == "42.696"


def test_the_context_of_a_call_chooses_its_band(customer: Customer) -> None:
    answer = estimate(customer, {**SEED_WORKLOAD, "input_tokens": 10_000}, days=1)

    assert answer["amount"] == as_text(
        100 * Decimal("1.8") * (Decimal("0.03") + Decimal("0.012996"))
    )


def test_a_volume_price_is_that_of_the_whole_period(customer: Customer) -> None:
    workload = {"model": "images", "calls_per_day": 10, "properties": {"images": 1}}

    answer = estimate(customer, workload, days=30)

    assert answer["amount"] == "13"


def test_the_least_of_a_call_is_the_least_of_the_estimate(customer: Customer) -> None:
    workload = {"model": "images", "calls_per_day": 10, "properties": {"images": 0}}

    answer = estimate(customer, workload, days=2)

    assert answer["amount"] == "0.4"


@pytest.mark.parametrize(
    ("calls", "amount", "bound"), [(1, "5", "4.7"), (10, "5", "2"), (100, "20", "-10")]
)
def test_the_least_and_the_most_of_a_period_bound_it(
    customer: Customer, calls: int, amount: str, bound: str
) -> None:
    text = "model: m\nrates:\n  - dimension: pages\n    unit: 1 page\n"
    bounds = "    minimum_per_period_usd: 5\n    maximum_per_period_usd: 20\n"
    card = make.rate_card(f"{text}{bounds}    price_usd: 0.01\n")
    make.terms(customer, card=card)
    workload = {"model": "m", "calls_per_day": calls, "properties": {"pages": 1}}

    answer = estimate(customer, workload)

    assert (answer["amount"], answer["workloads"][0]["charges"][1]["amount"]) == (
        amount,
        bound,
    )


def test_a_discount_of_the_customers_is_in_it(customer: Customer) -> None:
    make.terms(customer, discount="50")

    assert estimate(customer, SEED_WORKLOAD)["amount"] == "21.348"


class TestPack:
    def test_is_the_cheapest_that_pays_for_it(self, customer: Customer) -> None:
        make.pack(price="200")
        make.pack(price="40", bonus="5")
        cheap = make.pack(price="20")

        pack = estimate(customer, SEED_WORKLOAD)["pack"]

        assert (pack["price"], pack["count"], pack["credits"]) == ("40", 1, "45")
        assert pack["lasts_days"] == 31
        assert pack["code"] != cheap.code

    def test_is_bought_several_times_if_none_is_large_enough(
        self, customer: Customer
    ) -> None:
        make.pack(price="20")

        pack = estimate(customer, SEED_WORKLOAD)["pack"]

        assert (pack["price"], pack["count"]) == ("60", 3)

    def test_lasts_no_longer_than_it_is_valid(self, customer: Customer) -> None:
        make.pack(price="500", days=90)

        assert estimate(customer, SEED_WORKLOAD)["pack"]["lasts_days"] == 90

    def test_is_none_for_nothing(self, customer: Customer) -> None:
        make.pack()

        answer = estimate(customer, {**SEED_WORKLOAD, "calls_per_day": 0})

        assert (answer["amount"], answer["pack"]) == ("0", None)


class TestWhoAsks:
    def test_a_customers_key_need_not_say_who(self, customer: Customer) -> None:
        answer = ask({"workloads": [SEED_WORKLOAD]}, key=make.customer_key(customer))

        assert answer.json()["amount"] == "42.696"

    def test_a_service_key_may_ask_about_a_plan(self, customer: Customer) -> None:
        plan = make.plan(card=make.rate_card(CARD.replace("0.012", "0.024")))

        answers = [
            ask({"plan": plan.code, "workloads": [SEED_WORKLOAD]}),
            ask(
                {
                    "plan": plan.code,
                    "customer_id": customer.external_id,
                    "workloads": [SEED_WORKLOAD],
                }
            ),
        ]

        assert {answer.json()["amount"] for answer in answers} == {"81.684"}

    def test_a_customers_key_may_not(self, customer: Customer) -> None:
        body = {"plan": customer.plan.code, "workloads": [SEED_WORKLOAD]}

        answer = ask(body, key=make.customer_key(customer))

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "#/plan"

    def test_another_customer_is_as_absent_as_none(self, customer: Customer) -> None:
        other = make.customer(external_id="cus_other")
        body = {"customer_id": other.external_id, "workloads": [SEED_WORKLOAD]}

        assert ask(body, key=make.customer_key(customer)).status_code == 404

    def test_a_service_key_names_somebody(self) -> None:
        answer = ask({"workloads": [SEED_WORKLOAD]})

        assert answer.json()["errors"][0]["pointer"] == "#/customer_id"


def as_text(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
