"""What `POST /v1/estimates` refuses, and which field it names."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing.models import Customer
from tests import make
from tests.billing.api.test_estimates import SEED_WORKLOAD, ask, estimate

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    return make.customer()


@pytest.mark.parametrize(
    ("member", "value", "status", "pointer"),
    [
        ("model", "unheard-of", 422, "#/workloads/0/model"),
        ("calls_per_day", -1, 400, "#/workloads/0/calls_per_day"),
        ("calls_per_day", True, 400, "#/workloads/0/calls_per_day"),
        ("input_tokens", "1_000", 400, "#/workloads/0/input_tokens"),
        ("input_tokens", 1e300, 400, "#/workloads/0/input_tokens"),
        ("cached_share", 1.5, 400, "#/workloads/0/cached_share"),
        ("properties", {"audio_input_tokens": 5}, 422, "#/workloads/0/model"),
        ("properties", [], 400, "#/workloads/0/properties"),
        ("propertys", {}, 400, "#/workloads/0/propertys"),
        ("images", 1, 400, "#/workloads/0/images"),
        (
            "properties",
            {"input_tokens": 9},
            400,
            "#/workloads/0/properties/input_tokens",
        ),
        ("properties", {"model": "m"}, 400, "#/workloads/0/properties/model"),
        (
            "properties",
            {"cached_share": 1},
            400,
            "#/workloads/0/properties/cached_share",
        ),
    ],
)
def test_the_field_at_fault_is_named(
    customer: Customer, member: str, value: object, status: int, pointer: str
) -> None:
    workload = {**SEED_WORKLOAD, member: value}

    answer = ask({"customer_id": customer.external_id, "workloads": [workload]})

    assert answer.status_code == status
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"day": 7}, "#/day"),
        ({"past": {"modle": "m"}, "workloads": None}, "#/past/modle"),
    ],
)
def test_a_field_that_is_unknown_is_named(
    customer: Customer, more: dict[str, Any], pointer: str
) -> None:
    body = {"customer_id": customer.external_id, "workloads": [SEED_WORKLOAD], **more}

    answer = ask({name: each for name, each in body.items() if each is not None})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_plan_without_prices_yet_is_told(customer: Customer) -> None:
    body = {"customer_id": customer.external_id, "workloads": [SEED_WORKLOAD]}
    key = make.service_key()

    with time_machine.travel(make.NOW - timedelta(days=900)):
        answer = ask(body, key=key)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "no_rate_card_version"


def test_a_body_that_is_no_object_is_refused(customer: Customer) -> None:
    answer = ask(["customer_id", customer.external_id])  # type: ignore[arg-type]

    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["input_tokens", "cached_input_tokens"])
def test_a_cached_share_is_of_the_input_beside_it(
    customer: Customer, name: str
) -> None:
    workload = {"model": "text-gen-v3", "calls_per_day": 1, "cached_share": 0.5}
    described = {**workload, "properties": {name: 100}}

    answer = ask({"customer_id": customer.external_id, "workloads": [described]})

    assert answer.status_code == 400
    pointer = answer.json()["errors"][0]["pointer"]
    assert pointer == f"#/workloads/0/properties/{name}"


def test_tokens_may_stand_among_the_properties(customer: Customer) -> None:
    tokens = {"input_tokens": 412, "output_tokens": 1083}
    workload = {"model": "text-gen-v3", "calls_per_day": 100, "properties": tokens}

    assert estimate(customer, workload)["amount"] == "42.696"


@pytest.mark.parametrize("days", [0, 367, "x"])
def test_days_are_at_most_a_year(customer: Customer, days: object) -> None:
    body = {"customer_id": customer.external_id, "workloads": [SEED_WORKLOAD]}

    answer = ask({**body, "days": days})

    assert answer.json()["errors"][0]["pointer"] == "#/days"


def test_the_reason_is_a_word_for_programs(customer: Customer) -> None:
    workload = {**SEED_WORKLOAD, "model": "m"}

    answer = ask({"customer_id": customer.external_id, "workloads": [workload]})

    assert answer.json()["errors"][0]["code"] == "unknown_model"


def test_a_body_that_is_no_json_is_refused() -> None:
    response = Client().post(
        "/v1/estimates",
        "[" * 100_000,
        content_type="application/json",
        headers={"Authorization": f"Bearer {make.service_key()}"},
    )

    assert response.status_code == 400
