"""A Tollgate of a test's own, whose connections can be counted and cut.

Each token costs a dollar. `test_real_tollgate.py` asks the real one the same.
"""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.behind import serving_behind

KEY = "tg_service1.secret"
CUSTOMER = "cus_abc123"
CUSTOMERS_KEY = "tg_customer.secret"
EXPIRES_AT = "2026-11-15T12:05:00Z"
EXTENDED_TO = "2026-11-15T12:10:00Z"
LIMITS = {
    "RateLimit-Policy": '"requests";q=60;w=60',
    "RateLimit": '"requests";r=59;t=1',
    "x-ratelimit-remaining-requests": "59",
    "anthropic-ratelimit-requests-remaining": "59",
}

Said = tuple[int, dict[str, Any] | None, dict[str, str]]


@dataclass
class TollgateFake:
    """What it was asked, what it holds, and how it is to misbehave next."""

    url: str = ""
    funds: int = 5
    connections: int = 0
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    holds: dict[str, int] = field(default_factory=dict)
    # The next answer is another one than the contract's.
    answers: list[Said] = field(default_factory=list)
    # After so many seconds connections are cut, and nothing is answered.
    hanging: float = 0
    # So many of the next requests are read, and their connection is cut.
    cut: int = 0
    is_too_fast: bool = False
    lock: Lock = field(default_factory=Lock)

    def answer(self, method: str, path: str, key: str, body: dict[str, Any]) -> Said:
        if self.answers:
            return self.answers.pop(0)
        if key != KEY:
            return _problem(401, "authentication_failed")
        url = urlsplit(path)
        if url.path == "/v1/events":
            return 200, {"status": "accepted"}, {}
        if url.path == "/v1/admissions":
            return self._admit(body)
        if parse_qs(url.query).get("customer_id") != [CUSTOMER]:
            return _problem(404, "not_found")
        return self._change(method, unquote(url.path.split("/")[3]))

    def _change(self, method: str, request_id: str) -> Said:
        if method == "DELETE":
            self.holds.pop(request_id, None)
            return 204, None, {}
        return 200, {"expires_at": EXTENDED_TO}, {}

    def _admit(self, body: dict[str, Any]) -> Said:
        if "api_key" in body and body["api_key"] != CUSTOMERS_KEY:
            return _problem(401, "authentication_failed")
        if body.get("customer_id", CUSTOMER) != CUSTOMER:
            return _problem(404, "not_found")
        if self.is_too_fast:
            wait = LIMITS | {"Retry-After": "7"}
            return _problem(429, "quota_exceeded", wait, limit_source="requests")
        estimate = body["input_tokens"] + body["max_output_tokens"]
        with self.lock:
            if estimate + sum(self.holds.values()) > self.funds:
                source = "account_credits"
                return _problem(402, "payment_required", LIMITS, limit_source=source)
            self.holds[body["request_id"]] = estimate
        admitted = {
            "admitted": True,
            "request_id": body["request_id"],
            "customer_id": CUSTOMER,
            "estimate": str(estimate),
            "expires_at": EXPIRES_AT,
        }
        return 200, admitted, LIMITS


def _problem(
    status: int, code: str, headers: dict[str, str] | None = None, **members: str
) -> Said:
    problem = {"type": "about:blank", "status": status, "code": code, **members}
    return status, problem, headers or {}


@contextmanager
def serving() -> Iterator[TollgateFake]:
    """Run a fake on a free port of this machine."""
    fake = TollgateFake()
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = _Server(("127.0.0.1", 0), handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    with serving_behind(server):
        yield fake


class _Server(ThreadingHTTPServer):
    # Kept connections are open to the end, and nobody waits for them.
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    fake: TollgateFake
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes; the second must not wait for the first's receipt.
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.fake.lock:
            self.fake.connections += 1

    def do_POST(self) -> None:
        self._work("POST")

    def do_DELETE(self) -> None:
        self._work("DELETE")

    def _work(self, method: str) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.loads(text or b"{}")
        self.fake.asked.append((method, self.path, body))
        self.fake.cookies += self.headers.get_all("Cookie", [])
        if self.fake.hanging or self.fake.cut:
            time.sleep(self.fake.hanging)
            self.fake.cut = max(self.fake.cut - 1, 0)
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self._say(*self.fake.answer(method, self.path, key, body))

    def _say(
        self, status: int, said: dict[str, Any] | None, headers: dict[str, str]
    ) -> None:
        body = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "session=1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: a test's requests are in `asked`."""
