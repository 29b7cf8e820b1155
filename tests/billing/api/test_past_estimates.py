"""`POST /v1/estimates` of a customer's real usage, on other prices."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing.models import Customer
from tests import make
from tests.billing.api.test_estimates import ask

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(days=1)
CARD = (
    make.SEED_CARD + "---\n" + make.SEED_CARD.replace("v3", "v4").replace("0.0", "0.1")
)


@pytest.fixture
def customer() -> Customer:
    made = make.customer(credits="50", plan=make.plan(card=make.rate_card(CARD)))
    make.record(make.event("a"), make.event("b", model="text-gen-v4"))
    return made


def estimate(customer: Customer, *, status: int = 200, **more: Any) -> Any:
    key = make.service_key()
    with time_machine.travel(LATER, tick=False):
        body = {"customer_id": customer.external_id, "past": {}, **more}
        answer = ask(body, key=key)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_usage_costs_what_it_did_on_the_same_prices(customer: Customer) -> None:
    answer = estimate(customer)

    assert (answer["calls"], answer["difference"]) == (2, "0")
    assert answer["before"] == answer["amount"] == "0.177964"
    assert [each["model"] for each in answer["models"]] == [
        "text-gen-v4",
        "text-gen-v3",
    ]


def test_usage_may_be_priced_as_another_models(customer: Customer) -> None:
    answer = estimate(customer, past={"model": "text-gen-v3"})

    assert Decimal(answer["amount"]) == 2 * Decimal("0.014232")
    assert answer["before"] == "0.177964"


def test_usage_may_be_priced_on_another_plan(customer: Customer) -> None:
    doubled = make.SEED_CARD.replace("0.003", "0.006").replace("0.012", "0.024")
    plan = make.plan(card=make.rate_card(doubled), monthly_fee="20")

    answer = estimate(customer, plan=plan.code)

    assert (answer["plan"], answer["monthly_fee"]) == (plan.code, "20")
    assert (answer["before"], answer["amount"]) == ("0.014232", "0.028464")
    [unpriced] = answer["unpriced"]
    assert (unpriced["model"], unpriced["code"], unpriced["calls"]) == (
        "text-gen-v4",
        "unknown_model",
        1,
    )
    assert unpriced["before"] == "0.163732"


def test_a_card_of_ones_own_comes_before_the_other_plans(customer: Customer) -> None:
    own = make.rate_card(make.SEED_CARD.replace("0.012", "0.006"))
    make.terms(customer, card=own, effective_from=LATER)

    answer = estimate(customer)

    assert answer["amount"] == "0.171466"


def test_what_happened_before_is_left_out(customer: Customer) -> None:
    long_ago = make.NOW - timedelta(days=20)
    make.record(make.event("c", occurred_at=long_ago))

    assert estimate(customer, days=7)["calls"] == 2
    assert estimate(customer, days=30)["calls"] == 3


def test_prices_by_the_period_count_the_period(customer: Customer) -> None:
    tiered = make.SEED_CARD.replace(
        "    price_usd: 0.003\n", "    free_per_period: 412\n    price_usd: 0.003\n"
    )
    plan = make.plan(card=make.rate_card(tiered))

    answer = estimate(customer, plan=plan.code, past={"model": "text-gen-v3"})

    assert Decimal(answer["amount"]) == 2 * Decimal("0.014232") - Decimal("0.001236")


def test_months_that_lie_wholly_in_the_days_are_trued_up(customer: Customer) -> None:
    october = make.NOW - timedelta(days=30)
    bounded = "    maximum_per_period_usd: 0.001\n    price_usd: 0.012\n"
    plan = make.plan(
        card=make.rate_card(CARD.replace("    price_usd: 0.012\n", bounded))
    )
    make.record(make.event("c", occurred_at=october, output_tokens=1000))
    past = {"model": "text-gen-v3"}

    cut = estimate(customer, days=30, plan=plan.code, past=past)
    wholly = estimate(customer, days=60, plan=plan.code, past=past)

    assert cut["amount"] == "0.028464"
    # October's 0.012 for output come to 0.001.
    assert Decimal(wholly["amount"]) == Decimal("0.028464") + Decimal("0.002236")


def test_the_least_of_a_month_is_owed_on_both_sides(customer: Customer) -> None:
    october = make.NOW - timedelta(days=30)
    bounded = "    minimum_per_period_usd: 3\n    price_usd: 0.012\n"
    card = make.rate_card(make.SEED_CARD.replace("    price_usd: 0.012\n", bounded))
    make.terms(customer, card=card)
    make.record(make.event("c", occurred_at=october))

    answer = estimate(customer, days=60)

    assert answer["before"] == answer["amount"] == "3.1792"


def test_a_pack_that_would_have_paid_is_proposed(customer: Customer) -> None:
    pack = make.pack(price="50", days=None)

    assert estimate(customer)["pack"]["code"] == pack.code


def test_a_plan_alone_has_no_usage(customer: Customer) -> None:
    answer = ask({"plan": customer.plan.code, "past": {}})

    assert answer.json()["errors"][0]["pointer"] == "#/customer_id"


def test_too_many_calls_are_refused(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.queries.past_estimates.MOST_CALLS", 1)

    answer = estimate(customer, status=422)

    assert answer["errors"][0]["code"] == "too_much_usage"
    assert answer["errors"][0]["pointer"] == "#/days"


def test_a_plan_without_prices_yet_is_told(customer: Customer) -> None:
    plan = make.plan(card=make.rate_card())
    with time_machine.travel(datetime.fromisoformat("2020-01-01T00:00:00Z")):
        answer = ask(
            {"customer_id": customer.external_id, "plan": plan.code, "past": {}}
        )

    assert answer.json()["errors"][0]["code"] == "no_rate_card_version"


@pytest.mark.parametrize("more", [{}, {"past": {}, "workloads": [{"model": "m"}]}])
def test_either_workloads_or_past_are_asked_for(
    customer: Customer, more: dict[str, Any]
) -> None:
    answer = ask({"customer_id": customer.external_id, **more})

    assert answer.status_code == 400
    assert answer.json()["errors"]
