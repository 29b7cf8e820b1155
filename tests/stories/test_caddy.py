"""A real Caddy asks a real Tollgate about each request, before its service sees it."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from billing.models.plans import AtZero, Mode
from billing.services.customers import CALLS_MAKE, issue_api_key
from tests.behind import serving_behind
from tests.billing import dollars
from tests.faults.test_kill import running_server
from tests.processes import ROOT, free_port

CADDY = shutil.which("caddy")
pytestmark = [
    pytest.mark.story,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        CADDY is None and "REQUIRE_CADDY" not in os.environ,
        reason="caddy is not installed; CI installs Debian's and sets REQUIRE_CADDY",
    ),
]
GLOBAL = "{\n\tadmin off\n\tauto_https off\n}\n\n"


def caddyfile_for(*, port: int, tollgate: int, upstream: int) -> str:
    """Return the example that operators copy, for this test's addresses and call."""
    page = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
    example: str
    [example] = re.findall(r"^```caddyfile\n(.*?)^```", page, re.M | re.S)
    replaced = {
        "chat.example.com": f"http://127.0.0.1:{port}",
        "tollgate:8000": f"127.0.0.1:{tollgate}",
        "chat:9000": f"127.0.0.1:{upstream}",
        "model=text-gen-v3": f"model={dollars.MODEL}",
        "input_tokens=8000": "input_tokens=1",
        "max_output_tokens=2000": "max_output_tokens=4",
    }
    for text, instead in replaced.items():
        assert text in example
        example = example.replace(text, instead)
    return GLOBAL + example


@dataclass
class Upstream:
    """The service behind the proxy, and the headers of what has reached it."""

    port: int = 0
    reached: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    found = Upstream()
    handler = type("Handler", (_Handler,), {"upstream": found})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    found.port = server.server_port
    with serving_behind(server):
        yield found


class _Handler(BaseHTTPRequestHandler):
    upstream: Upstream

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.upstream.reached.append({k.lower(): v for k, v in self.headers.items()})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"echo " + body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: what came is in `reached`."""


@pytest.fixture
def proxy(upstream: Upstream, tmp_path: Path) -> Iterator[str]:
    """Return the address of a Caddy between a Tollgate and the upstream."""
    port = free_port()
    with running_server() as tollgate:
        caddyfile = caddyfile_for(
            port=port, tollgate=tollgate.port, upstream=upstream.port
        )
        with _running_caddy(caddyfile, tmp_path, port):
            yield f"http://127.0.0.1:{port}/v1/chat"


@contextmanager
def _running_caddy(caddyfile: str, folder: Path, port: int) -> Iterator[None]:
    assert CADDY, "REQUIRE_CADDY is set, and there is no caddy"
    path = folder / "Caddyfile"
    path.write_text(caddyfile)
    process = subprocess.Popen(
        [CADDY, "run", "--config", str(path), "--adapter", "caddyfile"],
        env={
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port, process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(f"http://127.0.0.1:{port}", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("Caddy does not answer")


def chat(proxy: str, key: str | None, **headers: str) -> requests.Response:
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return requests.post(proxy, data=b"hello", headers=headers, timeout=10)


def key_of_a_customer(*, credits: str) -> str:
    customer = dollars.customer(Mode.PREPAID, AtZero.BLOCK, credits=credits)
    issued = issue_api_key(name="app", scopes=[CALLS_MAKE], customer=customer)
    return issued.secret


def test_an_admitted_request_goes_on_with_whose_it_is(
    proxy: str, upstream: Upstream
) -> None:
    key = key_of_a_customer(credits="10")
    claimed = {
        "X-Tollgate-Customer": "cus_other",
        "X-Tollgate-Model": "cheap",
        "X-Request-Id": "mine",
    }

    answers = [chat(proxy, key), chat(proxy, key, **claimed)]

    assert [(each.status_code, each.text) for each in answers] == [
        (200, "echo hello")
    ] * 2
    for reached in upstream.reached:
        assert reached["x-tollgate-customer"] == "cus_abc123"
        assert reached["x-tollgate-api-key"] == key.partition(".")[0]
        assert "x-tollgate-model" not in reached
    first, second = (reached["x-request-id"] for reached in upstream.reached)
    assert len({first, second, "mine"}) == 3


def test_a_refused_request_never_reaches_the_service(
    proxy: str, upstream: Upstream
) -> None:
    poor = key_of_a_customer(credits="4.99")

    unknown, wrong = chat(proxy, None), chat(proxy, "tg_wrong.secret")
    unpaid = chat(proxy, poor)

    for answer in (unknown, wrong):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert unpaid.status_code == 402
    assert unpaid.headers["Content-Type"] == "application/problem+json"
    assert unpaid.json()["limit_source"] == "account_credits"
    assert upstream.reached == []


def test_an_answer_shows_what_tollgate_says_of_limits(proxy: str) -> None:
    customer = dollars.customer(Mode.PREPAID, AtZero.WARN, credits="1")
    key = issue_api_key(name="app", scopes=[CALLS_MAKE], customer=customer).secret

    answer = chat(proxy, key)

    assert answer.status_code == 200
    assert answer.headers["Tollgate-Warning"] == "credits_exhausted"
