"""No member of a body is said twice: which of them counts would be a guess."""

import json
from typing import cast

import pytest
from django.test import Client

from billing.models import BalanceAlert, UsageEvent
from invoices.models import Invoice
from tests import make
from tests.http import (
    SEED,
    Answer,
    correcting_key,
    event,
    pointers,
    post,
    with_property,
)

pytestmark = pytest.mark.django_db
CUSTOMER = "/v1/customers/cus_abc123"


@pytest.fixture(autouse=True)
def _customer() -> None:
    make.customer(credits="50")


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("POST", "/v1/purchases", '{"amount": "5", "amount": "500"}', "amount"),
        ("PUT", f"{CUSTOMER}/auto-top-up", '{"is_on": 0, "is_on": false}', "is_on"),
        ("PUT", f"{CUSTOMER}/alerts", '{"thresholds": 1, "thresholds": []}', None),
        ("POST", "/v1/estimates", '{"workloads": [{"a": 1, "a": 2}]}', "workloads/0/a"),
        ("POST", "/v1/events/x/void", '{"reason": "a", "reason": "b"}', "reason"),
        (
            "POST",
            "/v1/events/x/amend",
            '{"reason": "a", "idempotency_key": "y", "properties": {"a": 1, "a": 2}}',
            "properties/a",
        ),
        (
            "POST",
            "/v1/admissions",
            '{"request_id": "a", "model": "m", "input_tokens": 1, "input_tokens": 0,'
            ' "max_output_tokens": 1}',
            "input_tokens",
        ),
    ],
)
def test_is_refused_by_name(
    method: str, path: str, body: str, pointer: str | None
) -> None:
    headers = {
        "Authorization": f"Bearer {correcting_key()}",
        "Idempotency-Key": "order-1",
    }
    response = Client().generic(
        method, path, body, content_type="application/json", headers=headers
    )
    answer = cast("Answer", response)

    assert answer.status_code == 400
    assert pointers(answer) == [f"#/{pointer or 'thresholds'}"]
    assert answer.json()["code"] == "repeated_member"
    assert not Invoice.objects.exists()
    assert not BalanceAlert.objects.exists()


class TestAnEvent:
    @pytest.mark.parametrize(
        ("text", "pointer"),
        [
            (SEED.replace("{", '{"customer_id": "cus_other",', 1), "#/customer_id"),
            (with_property("output_tokens", "1"), "#/properties/output_tokens"),
        ],
    )
    def test_is_refused_by_name(self, text: str, pointer: str) -> None:
        answer = post(text)

        assert answer.status_code == 422
        assert pointers(answer) == [pointer]
        assert not UsageEvent.objects.exists()

    def test_of_many_spoils_no_other(self) -> None:
        bad = with_property("output_tokens", "1")

        answer = post(f'{{"events": [{json.dumps(event("a"))}, {bad}]}}').json()

        assert (answer["accepted"], answer["rejected"]) == (1, 1)
        assert pointers_of(answer) == ["#/events/1/properties/output_tokens"]

    @pytest.mark.parametrize("name", ["events", "\\u0065vents"])
    def test_is_not_hidden_by_a_second_list(self, name: str) -> None:
        body = f'{{"{name}": [{json.dumps(event("a"))}], "events" : [] }} '

        answer = post(body)

        assert answer.status_code == 400
        assert "'events' is there twice" in answer.json()["detail"]

    def test_may_hold_the_names_of_others(self) -> None:
        members = {"properties": event()["properties"] | {"more": {"model": {}}}}

        answer = post(f' {{ "events" : [{json.dumps(event("a", **members))}] }} ')

        assert answer.json()["accepted"] == 1


def pointers_of(answer: dict[str, list[dict[str, list[dict[str, str]]]]]) -> list[str]:
    return [
        error["pointer"]
        for each in answer["events"]
        for error in each.get("errors", [])
    ]
