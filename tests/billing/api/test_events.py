from typing import Any

import pytest

from billing.models import UsageEvent
from tests import make
from tests.http import SEED, event, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _customer() -> None:
    make.customer(credits="50")


class TestASingleEvent:
    def test_is_recorded_as_the_seed_writes_it(self) -> None:
        response = post(SEED)

        assert response.status_code == 200
        assert response.json() == {
            "index": 0,
            "idempotency_key": "req_01HX9P2Q3R4S5T6U7V8W9X0Y1Z",
            "status": "accepted",
            "cost": "0.014232",
            "balance": "49.985768",
            "currency": "USD",
        }
        stored = UsageEvent.objects.get()
        assert stored.occurred_at.isoformat() == "2026-11-15T09:14:22.331000+00:00"

    def test_posted_again_is_answered_with_the_first_result(self) -> None:
        first = post(SEED).json()

        response = post(SEED)

        assert response.status_code == 200
        assert response.json() == first | {"status": "duplicate"}

    def test_under_a_key_used_before_is_unprocessable(self) -> None:
        post(event())

        response = post(event(event_name="embedding"))

        assert response.status_code == 422
        [error] = response.json()["errors"]
        assert response.json()["status"] == "conflict"
        assert error["code"] == "idempotency_key_reused"
        assert error["pointer"] == "#/idempotency_key"

    def test_without_a_price_is_taken_but_not_done(self) -> None:
        response = post(event(properties={"model": "unknown"}))

        assert response.status_code == 202
        assert response.json()["status"] == "quarantined"
        assert response.json()["errors"] == [
            {
                "code": "unknown_model",
                "detail": "The card has no model 'unknown'.",
                "pointer": "#",
            }
        ]

    def test_that_is_refused_is_unprocessable(self) -> None:
        response = post(event(timestamp="2026-01-01T00:00:00Z"))

        assert response.status_code == 422
        assert response.json() == {
            "index": 0,
            "idempotency_key": "req_1",
            "status": "rejected",
            "errors": [
                {
                    "code": "too_old",
                    "detail": "Events are accepted for 35 days.",
                    "pointer": "#/timestamp",
                }
            ],
        }

    def test_that_is_a_chunk_says_that_its_stream_is_open(self) -> None:
        response = post(event(stream={"sequence": 0, "final": False}))

        assert response.status_code == 200
        assert response.json() == {
            "index": 0,
            "idempotency_key": "req_1",
            "status": "accepted",
            "stream": "open",
        }

    def test_that_is_a_final_chunk_is_answered_with_the_cost(self) -> None:
        post(event(stream={"sequence": 0, "final": False}))

        response = post(event(stream={"sequence": 1, "final": True}))

        assert response.json()["cost"] == "0.028464"
        assert "stream" not in response.json()

    def test_that_costs_nothing_says_so(self) -> None:
        response = post(event(properties={"model": "text-gen-v3", "input_tokens": 0}))

        assert response.json()["cost"] == "0"


class TestABatch:
    def test_may_be_an_array(self) -> None:
        response = post([event("a"), event("b")])

        assert response.status_code == 200
        answer = response.json()
        assert answer["accepted"] == 2
        assert [item["idempotency_key"] for item in answer["events"]] == ["a", "b"]
        assert [item["index"] for item in answer["events"]] == [0, 1]

    def test_may_be_an_object_of_events(self) -> None:
        response = post({"events": [event("a"), event("b")]})

        assert response.status_code == 200
        assert response.json()["accepted"] == 2

    @pytest.mark.parametrize("body", ["[]", " [ ] ", '{"events": []}'])
    def test_may_be_empty(self, body: str) -> None:
        response = post(body)

        assert response.status_code == 200
        assert response.json() == {
            "accepted": 0,
            "duplicates": 0,
            "conflicts": 0,
            "quarantined": 0,
            "rejected": 0,
            "events": [],
        }

    def test_answers_each_event_in_order(self) -> None:
        post(event("known"))

        response = post(
            [
                event("new"),
                event("known"),
                event("known", event_name="other"),
                event("odd", properties={"model": "unknown"}),
                event("lost", customer_id="cus_nobody"),
                {"idempotency_key": "half"},
            ]
        )

        answer = response.json()
        counts = [v for k, v in answer.items() if k != "events"]
        assert response.status_code == 200
        assert [item["status"] for item in answer["events"]] == [
            "accepted",
            "duplicate",
            "conflict",
            "quarantined",
            "rejected",
            "rejected",
        ]
        assert counts == [1, 1, 1, 1, 2]

    @pytest.mark.parametrize(
        ("wrap", "pointer"),
        [
            (lambda events: events, "#/1/customer_id"),
            (lambda events: {"events": events}, "#/events/1/customer_id"),
        ],
    )
    def test_points_to_the_field_at_fault(self, wrap: Any, pointer: str) -> None:
        response = post(wrap([event("a"), event("b", customer_id="cus_nobody")]))

        [error] = response.json()["events"][1]["errors"]
        assert error["pointer"] == pointer

    def test_of_a_thousand_is_taken(self) -> None:
        response = post([event(f"req_{n}") for n in range(1000)])

        assert response.json()["accepted"] == 1000

    def test_of_more_is_too_large(self) -> None:
        response = post([event(f"req_{n}") for n in range(1001)])

        assert response.status_code == 413
        assert response.json()["code"] == "payload_too_large"
        assert response.json()["detail"] == (
            "A request may hold 1,000 events; this one has 1,001."
        )
        assert not UsageEvent.objects.exists()
