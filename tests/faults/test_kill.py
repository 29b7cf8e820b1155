"""The web server dies by `kill -9` under load, again and again; nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from billing.models import IdempotencyClaim, UsageEvent
from config.verification import verify_all
from tests import make
from tests.http import event
from tests.processes import ROOT, environment, free_port

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
BATCHES, SIZE, CUSTOMERS, KILLS = 120, 20, 5, 4


@dataclass
class Server:
    """granian on a port of its own, on the test's database."""

    port: int
    workers: int = 1
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "granian", "--interface=wsgi"]
        options = ["--host=127.0.0.1", f"--port={self.port}", "--blocking-threads=4"]
        options.append(f"--workers={self.workers}")
        self.process = subprocess.Popen(
            [*command, *options, "--no-ws", "config.wsgi:application"],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server and its workers, without a chance to tidy up."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=1).ok
        except requests.RequestException:
            return False


@contextmanager
def running_server(*, workers: int = 1) -> Iterator[Server]:
    server = Server(free_port(), workers)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass
class Client:
    """A gateway that remembers which events it was told are recorded."""

    url: str
    key: str
    acknowledged: set[str] = field(default_factory=set)

    def post(self, batch: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Post once; returns nothing if nobody answered."""
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self.url}/v1/events"
        try:
            response = requests.post(url, json=batch, headers=headers, timeout=10)
        except requests.RequestException:
            time.sleep(0.02)
            return None
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        assert answer["accepted"] + answer["duplicates"] == len(batch)
        self.acknowledged |= {item["idempotency_key"] for item in batch}
        return answer

    def post_until_answered(self, batch: list[dict[str, Any]]) -> None:
        while self.post(batch) is None:
            continue


def batches() -> list[list[dict[str, Any]]]:
    now = datetime.now(UTC).isoformat()
    return [
        [
            event(
                f"req_{number}_{place}",
                customer_id=f"cus_{place % CUSTOMERS}",
                timestamp=now,
            )
            for place in range(SIZE)
        ]
        for number in range(BATCHES)
    ]


def test_no_event_is_lost_or_charged_twice() -> None:
    plan = make.plan()
    for number in range(CUSTOMERS):
        make.customer(external_id=f"cus_{number}", plan=plan, credits="5")
    load = batches()

    with running_server() as server:
        client = Client(server.url, make.service_key())
        post_under_kills(client, load, server)
        told = set(client.acknowledged)
        again = [client.post(batch) for batch in load]

    stored = set(UsageEvent.objects.values_list("idempotency_key", flat=True))
    assert len(told) == len(stored) == IdempotencyClaim.objects.count()
    assert told == stored == {item["idempotency_key"] for b in load for item in b}
    assert sum(answer["duplicates"] for answer in again if answer) == BATCHES * SIZE
    assert [finding for finding in verify_all() if finding.differences] == []


def post_under_kills(
    client: Client, load: list[list[dict[str, Any]]], server: Server
) -> None:
    with ThreadPoolExecutor(4) as gateways:
        posts = [gateways.submit(client.post_until_answered, batch) for batch in load]
        for number in range(KILLS):
            wait_for(client, (number + 1) * BATCHES * SIZE // (KILLS + 1))
            server.kill()
            server.start()
        for post in posts:
            post.result()


def wait_for(client: Client, events: int) -> None:
    """Return in the middle of the load, with so many events acknowledged."""
    while len(client.acknowledged) < events:
        time.sleep(0.002)
