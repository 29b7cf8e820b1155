"""Requests that Stripe's SDK really sent, from `tests/data/captures`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

_FOLDER = Path(__file__).parents[1] / "data" / "captures"


@dataclass(frozen=True, slots=True)
class Sent:
    """One HTTP request."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    query: str = ""

    @property
    def form(self) -> dict[str, str]:
        """The fields of its form or of its address, in their order."""
        return dict(parse_qsl(self.body or self.query, keep_blank_values=True))

    @property
    def header_names(self) -> set[str]:
        """Which headers it has."""
        return {name.title() for name in self.headers}

    @property
    def content_type(self) -> str:
        """What its body is."""
        return self.headers["Content-Type"]


def captured(name: str) -> Sent:
    """Return the request of a file."""
    head, _, body = (_FOLDER / name).read_text().partition("\n\n")
    first, *lines = head.splitlines()
    method, path = first.split()
    headers = dict(line.split(": ", 1) for line in lines)
    return Sent(method, path, headers, body.strip())


def captured_event(name: str) -> dict[str, Any]:
    """Return the event of a webhook."""
    return msgspec.json.decode(captured(name).body, type=dict[str, Any])


SESSION_COMPLETED = "stripe_webhook_checkout_session_completed.http"
CHARGE_REFUNDED = "stripe_webhook_charge_refunded.http"
SESSION_CREATED = "stripe_checkout_01.http"
