"""Each field of an event that is missing, unknown or wrong is named by its pointer."""

from typing import Any

import pytest

from tests import make
from tests.http import event, post

pytestmark = pytest.mark.django_db
CHUNK = {"sequence": 0, "final": False}


@pytest.fixture(autouse=True)
def _customer() -> None:
    make.customer(credits="50")


def refusal(body: dict[str, Any]) -> tuple[str, str]:
    response = post(body)
    [error] = response.json()["errors"]
    assert response.status_code == 422
    assert response.json()["status"] == "rejected"
    assert error["code"] == "invalid"
    return error["pointer"], error["detail"]


@pytest.mark.parametrize(
    "name", ["idempotency_key", "customer_id", "event_name", "timestamp", "properties"]
)
def test_a_missing_field_is_named(name: str) -> None:
    body = event()
    del body[name]

    pointer, detail = refusal(body)

    assert pointer == f"#/{name}"
    assert detail == f"Object missing required field `{name}`."


@pytest.mark.parametrize("name", ["sequence", "final"])
def test_a_missing_field_of_the_stream_is_named(name: str) -> None:
    chunk = {key: value for key, value in CHUNK.items() if key != name}

    pointer, _ = refusal(event(stream=chunk))

    assert pointer == f"#/stream/{name}"


def test_an_unknown_field_is_named() -> None:
    assert refusal(event(cost=1))[0] == "#/cost"


def test_an_unknown_field_of_the_stream_is_named() -> None:
    assert refusal(event(stream=CHUNK | {"last": True}))[0] == "#/stream/last"


def test_slashes_and_tildes_in_a_name_are_escaped() -> None:
    assert refusal(event() | {"a/b~c": 1})[0] == "#/a~1b~0c"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("idempotency_key", 1),
        ("idempotency_key", None),
        ("idempotency_key", ""),
        ("idempotency_key", "k" * 256),
        ("customer_id", []),
        ("customer_id", ""),
        ("event_name", {}),
        ("event_name", ""),
        ("event_name", "e" * 101),
        ("timestamp", 1763208000),
        ("timestamp", "2026-11-15"),
        ("timestamp", "2026-11-15T12:00:00"),
        ("timestamp", "2026-11-31T12:00:00Z"),
        ("timestamp", "2026-11-15T12:00:60Z"),
        ("timestamp", "yesterday"),
        ("properties", []),
        ("properties", None),
        ("properties", "{}"),
        ("stream", 1),
        ("stream", []),
    ],
)
def test_a_wrong_value_is_named(name: str, value: object) -> None:
    assert refusal(event() | {name: value})[0] == f"#/{name}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sequence", "0"),
        ("sequence", -1),
        ("sequence", 1_000_001),
        ("sequence", 2**64),
        ("sequence", 0.5),
        ("sequence", True),
        ("sequence", None),
        ("final", 1),
        ("final", "true"),
        ("final", None),
    ],
)
def test_a_wrong_value_of_the_stream_is_named(name: str, value: object) -> None:
    pointer, _ = refusal(event(stream=CHUNK | {name: value}))

    assert pointer == f"#/stream/{name}"


@pytest.mark.parametrize("body", ["{}", '{"events": [], "more": 1}'])
def test_an_object_that_is_no_event_is_refused(body: str) -> None:
    assert post(body).status_code == 422


@pytest.mark.parametrize("item", [None, 1, "event", []])
def test_an_item_that_is_no_event_is_named_by_its_place(item: object) -> None:
    answer = post([event(), item]).json()

    assert [each["status"] for each in answer["events"]] == ["accepted", "rejected"]
    assert answer["events"][1]["errors"][0]["pointer"] == "#/1"


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-11-15T09:14:22.331Z",
        "2026-11-15T09:14:22.331+00:00",
        "2026-11-15T04:14:22.331-05:00",
        "2026-11-15t09:14:22.331000z",
    ],
)
def test_one_time_may_be_written_in_many_ways(timestamp: str) -> None:
    post(event())

    assert post(event(timestamp=timestamp)).json()["status"] == "duplicate"


def test_a_stream_of_null_is_none() -> None:
    assert post(event(stream=None)).json()["status"] == "accepted"
