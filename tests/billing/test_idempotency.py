import json
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.api.ingest.decoding import decode_body
from billing.models import IdempotencyClaim, UsageEvent
from billing.services.events import PostedEvent, Status
from tests import make

EVENT = {
    "idempotency_key": "req_1",
    "customer_id": "cus_abc123",
    "event_name": "llm_inference",
    "timestamp": "2026-11-15T12:00:00Z",
    "properties": {
        "model": "text-gen-v3",
        "input_tokens": 412,
        "output_tokens": 1083,
        "temperature": 0.5,
        "metadata": {"team": "é\u2028", "tags": [1, None, True]},
    },
}


@pytest.mark.django_db
class TestASecondPost:
    def test_changes_nothing_and_answers_as_the_first(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event())

        [outcome] = make.record(make.event(), at=make.NOW + timedelta(hours=1))

        customer.wallet.refresh_from_db()
        assert outcome.status is Status.DUPLICATE
        assert outcome.cost == Decimal("0.014232")
        assert outcome.balance == Decimal("49.985768")
        assert outcome.currency == "USD"
        assert customer.wallet.balance == Decimal("49.985768")
        assert UsageEvent.objects.count() == 1

    def test_in_the_same_batch_is_a_duplicate(self) -> None:
        make.customer(credits="50")

        outcomes = make.record(make.event(), make.event(), make.event())

        assert [outcome.status for outcome in outcomes] == [
            Status.ACCEPTED,
            Status.DUPLICATE,
            Status.DUPLICATE,
        ]
        assert len({outcome.cost for outcome in outcomes}) == 1

    def test_with_another_payload_is_a_conflict_and_the_first_stands(self) -> None:
        make.customer(credits="50")
        make.record(make.event())

        [outcome] = make.record(make.event(output_tokens=1))

        assert outcome.status is Status.CONFLICT
        assert outcome.code == "idempotency_key_reused"
        assert outcome.path == ("idempotency_key",)
        assert (outcome.cost, outcome.balance) == (None, None)
        assert UsageEvent.objects.get().properties["output_tokens"] == 1083

    def test_with_another_payload_in_the_same_batch_is_a_conflict(self) -> None:
        make.customer(credits="50")

        outcomes = make.record(make.event(), make.event(output_tokens=1))

        assert [o.status for o in outcomes] == [Status.ACCEPTED, Status.CONFLICT]

    def test_with_another_time_is_a_conflict_even_in_another_month(self) -> None:
        make.customer(credits="50")
        make.record(make.event())

        [outcome] = make.record(make.event(occurred_at=make.NOW - timedelta(days=20)))

        assert outcome.status is Status.CONFLICT
        assert UsageEvent.objects.count() == 1

    def test_with_the_same_time_in_another_zone_is_a_duplicate(self) -> None:
        make.customer(credits="50")
        make.record(make.event())
        elsewhere = make.NOW.astimezone(timezone(timedelta(hours=-5)))

        [outcome] = make.record(make.event(occurred_at=elsewhere))

        assert outcome.status is Status.DUPLICATE

    def test_under_another_name_is_a_conflict(self) -> None:
        make.customer(credits="50")
        make.record(make.event())
        event = make.event()
        renamed = PostedEvent(
            customer=event.customer,
            idempotency_key=event.idempotency_key,
            event_name="embedding",
            occurred_at=event.occurred_at,
            properties=event.properties,
        )

        [outcome] = make.record(renamed)

        assert outcome.status is Status.CONFLICT

    def test_of_another_customer_is_another_event(self) -> None:
        plan = make.plan()
        for customer in ("cus_a", "cus_b"):
            make.customer(external_id=customer, plan=plan, credits="1")

        outcomes = make.record(make.event(customer="cus_a"))
        outcomes += make.record(make.event(customer="cus_b"))

        assert [o.status for o in outcomes] == [Status.ACCEPTED] * 2
        assert IdempotencyClaim.objects.count() == 2

    def test_of_a_quarantined_event_says_why_it_waits(self) -> None:
        make.customer(credits="50")
        make.record(make.event(model="unknown"))

        [outcome] = make.record(make.event(model="unknown"))

        assert outcome.status is Status.DUPLICATE
        assert outcome.code == "unknown_model"
        assert outcome.cost is None

    def test_after_a_refusal_is_the_first(self) -> None:
        make.record(make.event())
        make.customer(credits="50")

        [outcome] = make.record(make.event())

        assert outcome.status is Status.ACCEPTED


def fingerprint(body: str) -> bytes:
    [event] = decode_body(body.encode()).events
    assert isinstance(event, PostedEvent)
    return event.fingerprint()


@st.composite
def shuffled(draw: st.DrawFn, value: Any) -> Any:
    """Draw the same JSON with the members of every object in another order."""
    if isinstance(value, dict):
        names = draw(st.permutations(list(value)))
        return {name: draw(shuffled(value[name])) for name in names}
    if isinstance(value, list):
        return [draw(shuffled(item)) for item in value]
    return value


@given(
    shuffled(EVENT),
    st.sampled_from([None, 0, 3, "\t"]),
    st.sampled_from([",", " ,\n"]),
    st.booleans(),
)
def test_order_spacing_and_escapes_make_no_other_payload(
    event: dict[str, Any], indent: int | str | None, comma: str, escapes: bool
) -> None:
    text = json.dumps(
        event, indent=indent, separators=(comma, ": "), ensure_ascii=escapes
    )

    assert fingerprint(text) == fingerprint(json.dumps(EVENT))


@pytest.mark.parametrize("number", ["0.5", "5e-1", "0.05E+1"])
def test_the_same_number_makes_no_other_payload(number: str) -> None:
    text = json.dumps(EVENT).replace("0.5", number)

    assert fingerprint(text) == fingerprint(json.dumps(EVENT))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("412", "413"),
        ('"input_tokens"', '"input_token"'),
        ("true", "1"),
        ("null", "0"),
        ("12:00:00Z", "12:00:00.000001Z"),
        ("é", "e\u0301"),
        ("text-gen-v3", "text-gen-v3 "),
    ],
)
def test_any_other_value_makes_another_payload(old: str, new: str) -> None:
    text = json.dumps(EVENT, ensure_ascii=False)
    assert old in text

    assert fingerprint(text.replace(old, new)) != fingerprint(text)
