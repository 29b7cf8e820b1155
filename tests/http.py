"""The API as a gateway calls it."""

import json
from collections.abc import Mapping
from typing import Any, Protocol, cast
from urllib.parse import quote

from django.test import Client

from billing.models import Customer
from billing.services.customers import (
    CREDITS_BUY,
    SCOPES,
    USAGE_READ,
    issue_api_key,
)
from tests import make

EVENTS = "/v1/events"
# To the letter as in the seed, but for the date.
SEED = """\
{
  "idempotency_key": "req_01HX9P2Q3R4S5T6U7V8W9X0Y1Z",
  "customer_id": "cus_abc123",
  "event_name": "llm_inference",
  "timestamp": "2026-11-15T09:14:22.331Z",
  "properties": {
    "model": "text-gen-v3",
    "input_tokens": 412,
    "output_tokens": 1083,
    "request_type": "completion",
    "latency_ms": 2847
  }
}
"""


class Answer(Protocol):
    """What a test reads of a response."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]

    def json(self) -> Any: ...


def event(key: str = "req_1", /, **members: Any) -> dict[str, Any]:
    """Return the seed's event as JSON, under another key and with other members."""
    seed: dict[str, Any] = json.loads(SEED)
    return seed | {"idempotency_key": key} | members


def post(
    body: object, *, key: str = "", content_type: str = "application/json", **more: Any
) -> Answer:
    """Post to `/v1/events`; what is neither text nor bytes is written as JSON."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    response = Client(raise_request_exception=False).generic(
        "POST",
        EVENTS,
        text,
        content_type=content_type,
        headers={"Authorization": f"Bearer {key or make.service_key()}"},
        **more,
    )
    return cast("Answer", response)


def correct(key: str, how: str, body: object, *, secret: str = "") -> Answer:
    """Post to `/v1/events/{key}/void` or `/amend`, as a key that may."""
    text = body if isinstance(body, str) else json.dumps(body)
    path, _, query = how.partition("?")
    response = Client(raise_request_exception=False).generic(
        "POST",
        f"{EVENTS}/{quote(key)}/{path}",
        text,
        content_type="application/json",
        QUERY_STRING=query,
        headers={"Authorization": f"Bearer {secret or correcting_key()}"},
    )
    return cast("Answer", response)


def admit(body: object, *, key: str = "") -> Answer:
    """Post to `/v1/admissions`; what is no text is written as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    response = Client(raise_request_exception=False).generic(
        "POST",
        "/v1/admissions",
        text,
        content_type="application/json",
        headers={"Authorization": f"Bearer {key or make.service_key()}"},
    )
    return cast("Answer", response)


def release(request_id: str, *, customer: str = "cus_abc123", key: str = "") -> Answer:
    """Delete an admission, as a gateway whose call did not run."""
    response = Client(raise_request_exception=False).delete(
        f"/v1/admissions/{quote(request_id)}?customer_id={customer}",
        headers={"Authorization": f"Bearer {key or make.service_key()}"},
    )
    return cast("Answer", response)


def extend(request_id: str, *, customer: str = "cus_abc123", key: str = "") -> Answer:
    """Let an admission last longer, as a gateway whose call still runs."""
    response = Client(raise_request_exception=False).post(
        f"/v1/admissions/{quote(request_id)}/extend?customer_id={customer}",
        headers={"Authorization": f"Bearer {key or make.service_key()}"},
    )
    return cast("Answer", response)


def get(path: str, *, key: str = "") -> Answer:
    """Read from the API."""
    headers = {"Authorization": f"Bearer {key or make.service_key()}"}
    return cast("Answer", Client().get(path, headers=headers))


def put(path: str, body: object, *, key: str = "") -> Answer:
    """Put to the API, as a key that may buy credits."""
    response = Client(raise_request_exception=False).put(
        path,
        body if isinstance(body, str) else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key or buying_key()}"},
    )
    return cast("Answer", response)


def post_to(path: str, body: object, *, key: str) -> Answer:
    """Post to the API; what is no text is written as JSON."""
    response = Client(raise_request_exception=False).post(
        path,
        body if isinstance(body, str) else json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    return cast("Answer", response)


def delete(path: str, *, key: str) -> Answer:
    """Delete what the API has at a path."""
    headers = {"Authorization": f"Bearer {key}"}
    return cast("Answer", Client().delete(path, headers=headers))


def pointers(answer: Answer) -> list[str]:
    """Return which fields of a request were refused."""
    return [error["pointer"] for error in answer.json()["errors"]]


def correcting_key() -> str:
    """Make a service key that may correct usage too; returns the secret."""
    return issue_api_key(name="gateway", scopes=SCOPES).secret


def buying_key(customer: Customer | None = None) -> str:
    """Make a key that may read and buy credits; returns the secret."""
    scopes = [USAGE_READ, CREDITS_BUY]
    return issue_api_key(name="app", scopes=scopes, customer=customer).secret


def with_property(name: str, raw: str) -> str:
    """Return the seed's event with one more property, as raw JSON."""
    return SEED.replace('"latency_ms": 2847', f'"{name}": {raw}')
