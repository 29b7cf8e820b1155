"""Gateways that ask, call, report and give back, and a model of what they were told."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import requests

from tests.billing.dollars import MODEL
from tests.http import event

# A call that took longer than its hold might be of no one's credits.
PATIENCE = 1.2
ADMITTED, REFUSED, TOO_MANY, AWAY = 200, 402, 429, 503


@dataclass
class Asked:
    """One question to the gate: in which phase, the answer, and what it took."""

    phase: str
    customer: str
    status: int
    seconds: float
    has_rates: bool
    has_retry_after: bool


@dataclass
class Model:
    """What was acknowledged of one customer's credits, in whole credits."""

    credits: int
    held: dict[str, int] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)
    most: int = 0
    lock: Lock = field(default_factory=Lock)

    def note_admitted(self, key: str, cost: int) -> None:
        with self.lock:
            self.held[key] = cost
            self.most = max(self.most, self.total)

    def note_spent(self, key: str) -> None:
        with self.lock:
            self.spent[key] = self.held.pop(key)

    def note_ended(self, key: str) -> None:
        """Forget a call that is about to be given back, or whose hold ends."""
        with self.lock:
            del self.held[key]

    @property
    def total(self) -> int:
        return sum(self.held.values()) + sum(self.spent.values())

    @property
    def left(self) -> int:
        return self.credits - sum(self.spent.values())


@dataclass
class Gateway:
    """One client of the API, with a connection and a random sequence of its own."""

    url: str
    key: str
    customer: str
    model: Model
    history: list[Asked]
    phase: Callable[[], str]
    chance: random.Random
    name: str
    number: int = 0
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.key}"

    def admit(self, cost: int) -> str | None:
        """Ask for a call of that cost; returns its request id if it may run."""
        self.number += 1
        key = f"{self.name}_{self.number}"
        body = {
            "customer_id": self.customer,
            "request_id": key,
            "model": MODEL,
            "input_tokens": 0,
            "max_output_tokens": cost,
        }
        phase, began = self.phase(), time.monotonic()
        answer = self.session.post(f"{self.url}/v1/admissions", json=body, timeout=10)
        self._note(phase, answer, time.monotonic() - began)
        if answer.status_code != ADMITTED:
            return None
        self.model.note_admitted(key, cost)
        return key

    def report(self, key: str) -> None:
        """Post the event of a call that ran."""
        now = datetime.now(UTC).isoformat()
        properties = {
            "model": MODEL,
            "input_tokens": 0,
            "output_tokens": self.model.held[key],
        }
        body = event(
            key, customer_id=self.customer, timestamp=now, properties=properties
        )
        answer = self.session.post(f"{self.url}/v1/events", json=[body], timeout=10)
        assert (answer.status_code, answer.json().get("accepted")) == (200, 1)
        self.model.note_spent(key)

    def give_back(self, key: str) -> None:
        """Release a call that will not run."""
        self.model.note_ended(key)
        url = f"{self.url}/v1/admissions/{key}?customer_id={self.customer}"
        assert self.session.delete(url, timeout=10).status_code == 204

    def end(self, calls: Sequence[tuple[str, float]], *, reported: float) -> None:
        """End calls that began at these moments: so large a share of them ran."""
        for key, began in calls:
            if time.monotonic() - began > PATIENCE:
                self.model.note_ended(key)
            elif self.chance.random() < reported:
                self.report(key)
            else:
                self.give_back(key)

    def _note(self, phase: str, answer: Any, seconds: float) -> None:
        asked = Asked(
            phase,
            self.customer,
            answer.status_code,
            seconds,
            "RateLimit" in answer.headers,
            "Retry-After" in answer.headers,
        )
        self.asked.append(asked)
        self.history.append(asked)
