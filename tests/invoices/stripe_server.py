"""The fake of Stripe's API behind a port, and the events that it signs."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.behind import serving_behind
from tests.invoices.captures import CHARGE_REFUNDED, Sent, captured_event
from tests.invoices.stripe_fake import CREATED, Object, StripeFake

SECRET = "whsec_test_secret"  # noqa: S105
_ENVELOPE: Object = captured_event(CHARGE_REFUNDED)
_number = count(1)


def event_of(kind: str, said: Object, *, event_id: str = "") -> Object:
    """Return an event about one of Stripe's objects, as Stripe would send it."""
    named = event_id or f"evt_{next(_number)}"
    return _ENVELOPE | {"id": named, "type": kind, "data": {"object": said}}


def charge_of(fake: StripeFake, intent: str) -> Object:
    """Return what was taken for a payment, with what went back of it in all."""
    charge: Object = _ENVELOPE["data"]["object"]
    paid = fake.intents[intent]
    return charge | {
        "amount": paid["amount"],
        "amount_refunded": fake.refunded(intent),
        "currency": paid["currency"],
        "payment_intent": intent,
    }


def dispute_of(intent: str, *, status: str, amount: int = 5000) -> Object:
    """Return how a payment's dispute stands."""
    return {
        "id": f"dp_{intent}",
        "object": "dispute",
        "amount": amount,
        "created": CREATED,
        "currency": "usd",
        "metadata": {},
        "payment_intent": intent,
        "reason": "fraudulent",
        "status": status,
    }


def sign(body: bytes, *, at: datetime, secret: str = SECRET) -> dict[str, str]:
    """Return the headers by which Stripe says who sent a body, and when."""
    seconds = int(at.timestamp())
    signed = f"{seconds}.".encode() + body
    signature = hmac.digest(secret.encode(), signed, hashlib.sha256).hex()
    return {"Stripe-Signature": f"t={seconds},v1={signature}"}


def encode(event: Object) -> bytes:
    """Return an event's bytes, indented as Stripe's are."""
    return msgspec.json.format(msgspec.json.encode(event), indent=2)


@contextmanager
def serving() -> Iterator[StripeFake]:
    """Run a fake on a free port of this machine."""
    fake = StripeFake()
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    with serving_behind(server):
        yield fake


class _Handler(BaseHTTPRequestHandler):
    fake: StripeFake

    def do_GET(self) -> None:
        self._work("GET")

    def do_POST(self) -> None:
        self._work("POST")

    def _work(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        url = urlsplit(self.path)
        sent = Sent(method, url.path, dict(self.headers.items()), body, url.query)
        self.fake.asked.append(sent)
        self.fake.on_asked()
        if self.fake.hanging:
            seconds, self.fake.hanging = self.fake.hanging, 0
            time.sleep(seconds)
        if self.fake.broken:
            self.fake.broken -= 1
            self._say(500, {"error": {"type": "api_error", "message": "Sorry."}})
            return
        status, said = self.fake.answer(sent)
        if self.fake.dropped and method == "POST":
            self.fake.dropped -= 1
            return
        self._say(status, said)

    def _say(self, status: int, said: Object) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Request-Id", f"req_{len(self.fake.asked)}")
        self.end_headers()
        self.wfile.write(msgspec.json.encode(said))

    def log_message(self, *_: Any) -> None:
        """Say nothing: a test's requests are in `asked`."""
