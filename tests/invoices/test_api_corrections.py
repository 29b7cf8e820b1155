"""Correcting events over HTTP, as a gateway does."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing.models import ApiKey, Correction, Customer
from billing.services.customers import (
    EVENTS_CORRECT,
    EVENTS_WRITE,
    USAGE_READ,
    ServiceScopeError,
    issue_api_key,
)
from billing.services.events import StreamPart
from config.verification import verify_all
from tests import make
from tests.http import Answer, correct, correcting_key, event, get, post
from tests.invoices.state import MONTH_END, NOVEMBER, final

pytestmark = pytest.mark.django_db
VOID: dict[str, Any] = {"customer_id": "cus_abc123", "reason": "posted twice"}
PROPERTIES = {"model": "text-gen-v3", "input_tokens": 412, "output_tokens": 83}
AMEND: dict[str, Any] = {
    **VOID,
    "idempotency_key": "req_1b",
    "properties": PROPERTIES,
}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def customer() -> Customer:
    made = make.customer(credits="50")
    make.record(make.event())
    return made


def show(key: str = "req_1") -> Any:
    return get(f"/v1/events/{key}?customer_id=cus_abc123").json()


def pointers(answer: Answer) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.usefixtures("customer")
class TestVoid:
    def test_answers_what_was_given_back(self) -> None:
        secret = correcting_key()
        answer = correct("req_1", "void", VOID, secret=secret)

        said = answer.json()
        recorded_at, [entry] = said.pop("recorded_at"), said.pop("entries")
        assert answer.status_code == 200
        assert recorded_at
        assert said == {
            "kind": "void",
            "idempotency_key": "req_1",
            "amount": "0.014232",
            "currency": "USD",
            "balance": "50",
            "period_start": "2026-11-01T00:00:00Z",
            "reason": "posted twice",
            "actor": f"api key gateway ({make.key_of(secret).prefix})",
            "replacement": None,
        }
        assert (entry["kind"], entry["amount"]) == ("reversal", "0.014232")
        assert (entry["reverses"], entry["lot"]["source"]) == (2, "purchase")

    def test_again_answers_the_same(self) -> None:
        first = correct("req_1", "void", VOID)

        again = correct("req_1", "void", VOID | {"reason": "another"})

        assert again.json() == first.json()

    def test_takes_the_customer_from_the_query_too(self) -> None:
        answer = correct("req_1", "void?customer_id=cus_abc123", {"reason": "twice"})

        assert answer.status_code == 200

    def test_leaves_the_answer_to_a_duplicate_as_it_was(self) -> None:
        first = post(event("req_9")).json()
        correct("req_9", "void", VOID)

        again = post(event("req_9")).json()

        assert again == first | {"status": "duplicate"}

    @pytest.mark.parametrize("key", ["a/b", "x/void", "50% & more?", "é#\n"])
    def test_takes_any_key(self, key: str) -> None:
        make.record(make.event(key))

        assert correct(key, "void", VOID).json()["idempotency_key"] == key


@pytest.mark.usefixtures("customer")
class TestAmend:
    def test_answers_what_stands_instead(self) -> None:
        answer = correct("req_1", "amend", AMEND)

        said = answer.json()
        assert answer.status_code == 200
        assert (said["kind"], said["amount"]) == ("amend", "0.014232")
        assert said["balance"] == "49.997768"
        assert said["replacement"] == {
            "idempotency_key": "req_1b",
            "cost": "0.002232",
            "waived": "",
            "balance": "49.997768",
        }

    def test_reads_numbers_exactly(self) -> None:
        text = '{"customer_id": "cus_abc123", "reason": "r", "idempotency_key": "b",'
        numbers = '"input_tokens": 0.1000000000000000055511151231257827'
        body = f'{text} "properties": {{"model": "text-gen-v3", {numbers}}}}}'

        answer = correct("req_1", "amend", body)

        # A float would be charged for what is not stated; this has too many digits.
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_quantity")
        exact = body.replace(numbers, '"input_tokens": 0.100000000000000005')
        assert correct("req_1", "amend", exact).status_code == 200
        assert "0.100000000000000005" in str(show("b")["charges"])

    def test_without_a_price_is_refused_with_the_reason(self) -> None:
        body = AMEND | {"properties": {"model": "unheard-of"}}

        answer = correct("req_1", "amend", body)

        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "unknown_model")
        assert "unheard-of" in problem["detail"]
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_with_another_payload_is_refused(self) -> None:
        correct("req_1", "amend", AMEND)

        other = PROPERTIES | {"output_tokens": 84}
        answer = correct("req_1", "amend", AMEND | {"properties": other})

        assert (answer.status_code, pointers(answer)) == (422, ["#/idempotency_key"])
        assert answer.json()["code"] == "idempotency_key_reused"

    def test_of_a_voided_event_is_refused(self) -> None:
        correct("req_1", "void", VOID)

        answer = correct("req_1", "amend", AMEND)

        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "already_corrected",
        )


class TestWhoMay:
    def test_no_customer_for_itself(self, customer: Customer) -> None:
        secret = make.customer_key(customer)
        ApiKey.objects.update(scopes=[EVENTS_CORRECT, EVENTS_WRITE, USAGE_READ])

        for how, body in (("void", VOID), ("amend", AMEND)):
            assert correct("req_1", how, body, secret=secret).status_code == 403
        assert not Correction.objects.exists()

    def test_no_customer_is_given_the_scope(self, customer: Customer) -> None:
        with pytest.raises(ServiceScopeError, match=EVENTS_CORRECT):
            issue_api_key(name="app", scopes=[EVENTS_CORRECT], customer=customer)

    @pytest.mark.usefixtures("customer")
    def test_no_service_key_without_the_scope(self) -> None:
        answer = correct("req_1", "void", VOID, secret=make.service_key())

        assert answer.status_code == 403
        assert EVENTS_CORRECT in answer.json()["detail"]

    def test_nobody_without_a_key(self) -> None:
        answer = Client().post("/v1/events/req_1/void", content_type="application/json")

        assert answer.status_code == 401

    @pytest.mark.parametrize(
        ("key", "named"),
        [("req_9", "cus_abc123"), ("req_1", "cus_other"), ("req_1", "cus_nobody")],
    )
    def test_what_is_unknown_is_not_found(
        self, customer: Customer, key: str, named: str
    ) -> None:
        make.customer(external_id="cus_other", plan=customer.plan)

        answer = correct(key, "void", {"reason": "r", "customer_id": named})

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    @pytest.mark.usefixtures("customer")
    def test_a_customer_must_be_named(self) -> None:
        answer = correct("req_1", "void", {"reason": "r"})

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "#/customer_id"

    def test_an_open_stream_is_no_event_yet(self) -> None:
        make.customer(credits="50")
        make.record(make.event(stream=StreamPart(0, is_final=False)))

        answer = correct("req_1", "void", VOID)

        assert (answer.status_code, answer.json()["code"]) == (409, "stream_open")


class TestEvent:
    @pytest.mark.usefixtures("customer")
    def test_that_stands_has_no_correction(self) -> None:
        said = show()

        assert (said["correction"], said["amends"]) == (None, None)

    @pytest.mark.usefixtures("customer")
    def test_shows_how_it_was_taken_back(self) -> None:
        correct("req_1", "amend", AMEND)

        first, second = show(), show("req_1b")

        correction = first["correction"]
        assert (correction["kind"], correction["reason"]) == ("amend", "posted twice")
        assert correction["replacement"] == "req_1b"
        assert [charge["amount"] for charge in correction["charges"]] == [
            "-0.001236",
            "-0.012996",
        ]
        assert correction["charges"][0]["explanation"].startswith("Taken back: 412")
        assert [entry["reverses"] for entry in correction["entries"]] == [2]
        assert (first["amends"], second["amends"]) == (None, "req_1")
        assert first["amount"] == "0.014232"

    @pytest.mark.parametrize("how", ["void", "amend"])
    def test_whose_key_ends_like_the_path_is_read(self, how: str) -> None:
        customer = make.customer(credits="50")
        make.record(make.event(f"x/{how}"))

        own = get(f"/v1/events/x/{how}", key=make.customer_key(customer))

        assert own.json()["idempotency_key"] == f"x/{how}"


@pytest.mark.story
def test_a_month_after_its_invoice_a_call_is_taken_back() -> None:
    customer = make.customer(credits="50")
    post(event("call", timestamp="2026-11-15T09:14:22Z"))
    final(customer)
    with time_machine.travel(MONTH_END, tick=False):
        given = correct("call", "void", VOID).json()
    december = type(NOVEMBER)(NOVEMBER.end, NOVEMBER.end.replace(year=2027, month=1))
    number = final(customer, december).number

    lines = get(f"/v1/invoices/{number}/lines?customer_id=cus_abc123").json()["results"]
    charges = show("call")["correction"]["charges"]

    assert given["period_start"] == "2026-12-01T00:00:00Z"
    assert [line["kind"] for line in lines] == ["adjustment"] * 2
    assert [line["corrects"]["invoice"] for line in lines] == ["INV-2026-000001"] * 2
    assert [line["corrects"]["position"] for line in lines] == [1, 2]
    assert [each["invoice_line"]["invoice"] for each in charges] == [number] * 2
    assert [each for each in verify_all() if each.differences] == []
