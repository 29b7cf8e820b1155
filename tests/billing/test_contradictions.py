"""Events whose parts are more than their total are refused, and can be sent again."""

from typing import Any

import pytest

from billing.models import IdempotencyClaim
from billing.services.events import Status, StreamPart
from tests import http, make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ('"cached_input_tokens": 413, "input_is_total": true', "input_tokens"),
        ('"reasoning_tokens": 1084, "output_is_total": true', "output_tokens"),
    ],
)
def test_the_total_is_named(raw: str, pointer: str) -> None:
    make.customer(credits="9")

    answer = http.post(http.SEED.replace('"latency_ms": 2847', raw))

    [error] = answer.json()["errors"]
    assert answer.status_code == 422
    assert (error["code"], error["pointer"]) == (
        "parts_exceed_total",
        f"#/properties/{pointer}",
    )
    assert "exceed" in error["detail"]


def test_a_providers_block_is_named() -> None:
    make.customer(credits="9")
    block = {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}}
    event = make.event(usage=block)
    event.properties.pop("input_tokens")
    event.properties.pop("output_tokens")

    [outcome] = make.record(event)

    assert (outcome.status, outcome.path) == (Status.REJECTED, ("properties", "usage"))


def test_its_key_is_free_for_the_corrected_event() -> None:
    make.customer(credits="9")
    parts: dict[str, Any] = {"cached_input_tokens": 413, "input_is_total": True}
    make.record(make.event(**parts))

    [outcome] = make.record(make.event(**{**parts, "cached_input_tokens": 412}))

    assert outcome.status is Status.ACCEPTED
    assert IdempotencyClaim.objects.count() == 1


def test_a_chunk_need_not_hold_its_own_parts() -> None:
    make.customer(credits="9")
    parts: dict[str, Any] = {"input_is_total": True, "output_tokens": 0}

    make.record(
        make.event(
            stream=StreamPart(0, is_final=False), cached_input_tokens=500, **parts
        )
    )
    [outcome] = make.record(
        make.event(stream=StreamPart(1, is_final=True), cached_input_tokens=0, **parts)
    )

    assert outcome.status is Status.ACCEPTED


def test_a_block_of_no_known_shape_waits_in_quarantine() -> None:
    make.customer(credits="9")
    event = make.event(usage={"widgets": 5})
    event.properties.pop("input_tokens")
    event.properties.pop("output_tokens")

    [outcome] = make.record(event)

    assert (outcome.status, outcome.code) == (Status.QUARANTINED, "unknown_usage_shape")
