"""The examples of docs/gateways.md run as they stand there."""

import asyncio
import json
import re
import sys
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from pytest_django import Settings
from rest_framework.test import APIRequestFactory

from tests.processes import ROOT
from tests.ratelimits.tollgate_fake import CUSTOMER, KEY, TollgateFake

BODY = json.dumps({"customer_id": CUSTOMER, "prompt": "hi"}).encode()


@pytest.fixture(autouse=True)
def _examples(
    fake: TollgateFake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    """Lay the page's modules out in a folder, for a customer who has 2,002 dollars."""
    page = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
    for name, text in re.findall(
        r"^```python\n# (\w+)\.py\n(.*?)^```", page, re.M | re.S
    ):
        (tmp_path / f"example_{name}.py").write_text(
            text.replace("from usage ", "from example_usage ")
        )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("TOLLGATE_URL", fake.url)
    monkeypatch.setenv("TOLLGATE_KEY", KEY)
    settings.TOLLGATE_URL, settings.TOLLGATE_KEY = fake.url, KEY
    for name in [name for name in sys.modules if name.startswith("example_")]:
        monkeypatch.delitem(sys.modules, name)
    fake.funds = 2002


def example(name: str) -> Any:
    module: ModuleType = __import__(f"example_{name}")
    return module


def settled(fake: TollgateFake) -> bool:
    """Tell whether the call that was admitted is the one that was posted."""
    [(_, _, admission), (_, path, event)] = fake.asked
    return (
        path == "/v1/events"
        and event["idempotency_key"] == admission["request_id"]
        and event["customer_id"] == CUSTOMER
        and event["properties"]["input_tokens"] == admission["input_tokens"] == 2
    )


def test_the_client(fake: TollgateFake) -> None:
    chat = example("client").chat

    admitted = chat(CUSTOMER, "hi", lambda prompt: (prompt.upper(), 3))
    assert settled(fake)
    refused = chat(CUSTOMER, "hi", None)

    assert (admitted[0], admitted[2]) == (200, "HI")
    assert (refused[0], refused[2]["limit_source"]) == (402, "account_credits")


def test_the_client_releases_what_is_held_for_a_call_that_fails(
    fake: TollgateFake,
) -> None:
    def fail(_prompt: str) -> tuple[str, int]:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - it is raised as it is, just above.
        example("client").chat(CUSTOMER, "hi", fail)

    assert fake.holds == {}


def test_the_throttle(fake: TollgateFake) -> None:
    view = example("views").ChatView
    view.authentication_classes = view.permission_classes = []
    request = APIRequestFactory().post("/", BODY, content_type="application/json")

    answer = view.as_view()(request)

    assert (answer.status_code, answer.data) == (200, {"text": "HI"})
    assert settled(fake)


def test_the_wsgi_middleware(fake: TollgateFake) -> None:
    environ: dict[str, Any] = {
        "PATH_INFO": "/v1/chat",
        "REMOTE_USER": CUSTOMER,
        "CONTENT_LENGTH": str(len(BODY)),
        "wsgi.input": BytesIO(BODY),
    }
    setup_testing_defaults(environ)
    statuses: list[str] = []

    answer = example("wsgi").application(
        environ, lambda *said: statuses.append(said[0])
    )

    assert (statuses, list(answer)) == (["200 OK"], [b"HI"])
    assert settled(fake)


def test_the_asgi_middleware(fake: TollgateFake) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/v1/chat", "user": CUSTOMER}
    asyncio.run(example("asgi").application(scope, receive, send))

    assert [sent[0]["status"], sent[1]["body"]] == [200, b"HI"]
    assert settled(fake)
