"""Real traffic as usage events: the same rows and dates give the same events. Pure."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
CHAT, AGENTS, SOLO = "cus_northwind", "cus_fabrikam", "cus_ada"

Event = dict[str, Any]

# The longest of the sessions lasts 13.04 days.
_LONGEST_SESSION = timedelta(days=13, hours=2)
# Four small sessions are one developer's; the rest are a company's.
_SOLO_SESSIONS = {"0003e152", "00997b38", "03c6baf9", "03e6013f"}
_REQUEST_TYPES = {"s": "streamed", "n": "whole"}


@dataclass(frozen=True, slots=True)
class Window:
    """The time that the traffic is laid over."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.end - self.start


def all_events(window: Window) -> list[Event]:
    """Return the demo's traffic as `POST /v1/events` takes it, by time."""
    events = [*_chat_events(window), *_agent_events(window), *_odd_events(window)]
    return sorted(
        events, key=lambda event: (event["timestamp"], event["idempotency_key"])
    )


def _chat_events(window: Window) -> Iterator[Event]:
    """Stretch one hour of chat over the window."""
    rows = list(_read("azure_2023_conv.csv.gz"))
    times = [_azure_time(row["timestamp_utc"]) for row in rows]
    stretch = window.length / (times[-1] - times[0])
    for number, (row, at) in enumerate(zip(rows, times, strict=True), start=1):
        yield _event(
            f"azure_2023_conv:{number}",
            CHAT,
            window.start + (at - times[0]) * stretch,
            {
                "model": "text-gen-v3",
                "input_tokens": int(row["input_tokens"]),
                "output_tokens": int(row["output_tokens"]),
                "request_type": "chat",
            },
        )


def _agent_events(window: Window) -> Iterator[Event]:
    """Start the sessions one after the other; each keeps its own pace."""
    rows = list(_read("claude_code_sessions.csv.gz"))
    sessions = sorted({row["session_id"] for row in rows})
    gap = (window.length - _LONGEST_SESSION) / len(sessions)
    starts = {name: window.start + gap * place for place, name in enumerate(sessions)}
    for number, row in enumerate(rows, start=1):
        session = row["session_id"]
        yield _event(
            f"claude_code_sessions:{number}",
            SOLO if session[:8] in _SOLO_SESSIONS else AGENTS,
            starts[session] + _seconds(row["t_offset_s"]),
            {
                "model": row["model"],
                "input_tokens": int(row["input_tokens"]),
                "output_tokens": int(row["output_tokens"]),
                "request_type": _REQUEST_TYPES[row["request_type"]],
                "latency_ms": _seconds(row["api_time_s"]) // timedelta(milliseconds=1),
                "session_id": session,
            },
        )


def _odd_events(window: Window) -> Iterator[Event]:
    """Add one call streamed in chunks, and one of a model that has no price yet."""
    at = window.end - timedelta(hours=2)
    for sequence, tokens in enumerate((60, 45, 15)):
        properties = {"model": "claude-sonnet-4-6", "output_tokens": tokens}
        if sequence == 0:
            properties["input_tokens"] = 900
        chunk = _event(
            "demo:streamed", SOLO, at + timedelta(seconds=sequence), properties
        )
        yield chunk | {"stream": {"sequence": sequence, "final": sequence == 2}}  # noqa: PLR2004
    unpriced = {"model": "text-gen-v4-preview", "input_tokens": 50, "output_tokens": 70}
    yield _event("demo:unpriced", CHAT, at, unpriced)


def _event(key: str, customer: str, at: datetime, properties: dict[str, Any]) -> Event:
    return {
        "idempotency_key": key,
        "customer_id": customer,
        "event_name": "llm_inference",
        "timestamp": at.isoformat(),
        "properties": properties,
    }


def _read(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _azure_time(text: str) -> datetime:
    # Seven digits of a second; Python takes six.
    return datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)


def _seconds(text: str) -> timedelta:
    whole, _, fraction = text.partition(".")
    microseconds = int(fraction.ljust(6, "0")[:6])
    return timedelta(seconds=int(whole), microseconds=microseconds)
