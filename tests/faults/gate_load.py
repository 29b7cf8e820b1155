"""Load on admission: a customer whose credits end, others with plenty, one with limits.

Many calls of the first are always in flight, so that nearly all its credits are held.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from threading import Event

import requests

from billing.models import Customer
from tests import make
from tests.billing import dollars
from tests.faults.gateways import ADMITTED, Asked, Gateway, Model
from tests.faults.valkey import OwnValkey
from tests.processes import ROOT, environment, free_port

CREDITS, PLENTY = 60, 1_000_000
SCARCE, RICH, LIMITED = "cus_scarce", "cus_rich", "cus_limited"
RPM, HOLD_SECONDS = 60, 2
# More than is usual: a machine that is busy with tests is no fault to be found.
TIMEOUT = 150
LOG = "server.log"
AT_ONCE, SHARE_THAT_RAN = 12, 0.1


@dataclass
class Load:
    """Threads that ask until they are told to stop, and what they were answered."""

    url: str
    key: str
    seed: int
    phase: str = "before"
    history: list[Asked] = field(default_factory=list)
    scarce: Model = field(default_factory=lambda: Model(CREDITS))
    is_over: Event = field(default_factory=Event)

    def gateway(self, customer: str, name: str) -> Gateway:
        return Gateway(
            url=self.url,
            key=self.key,
            customer=customer,
            model=self.scarce if customer == SCARCE else Model(PLENTY),
            history=self.history,
            phase=lambda: self.phase,
            chance=random.Random(f"{self.seed}{name}"),  # noqa: S311
            name=name,
        )

    def run(self, customer: str, name: str, act: Callable[[Gateway], None]) -> None:
        gateway = self.gateway(customer, name)
        while not self.is_over.is_set():
            act(gateway)

    def statuses(self, customer: str) -> set[int]:
        return {each.status for each in self.history if each.customer == customer}

    def count_admitted(self, customer: str) -> int:
        asked = [each for each in self.history if each.customer == customer]
        return sum(each.status == ADMITTED for each in asked)


def hold_much(gateway: Gateway) -> None:
    """Let calls run together until no more may, and then end most without a cost."""
    calls: list[tuple[str, float]] = []
    for _ in range(AT_ONCE):
        began = time.monotonic()
        call = gateway.admit(gateway.chance.randint(1, 3))
        if call is None:
            break
        calls.append((call, began))
    time.sleep(gateway.chance.uniform(0.02, 0.4))
    gateway.end(calls, reported=SHARE_THAT_RAN)


def call_once(gateway: Gateway) -> None:
    began = time.monotonic()
    call = gateway.admit(1)
    if call:
        gateway.end([(call, began)], reported=0.5)
    time.sleep(0.01)


def spend_rest(gateway: Gateway, *, seconds: float) -> None:
    """Spend what is left of the credits, one at a time, as soon as that is let."""
    deadline = time.monotonic() + seconds
    while gateway.model.left and time.monotonic() < deadline:
        call = gateway.admit(1)
        if call:
            gateway.report(call)
        else:
            time.sleep(0.1)


def await_gate(gateway: Gateway, *, seconds: float) -> None:
    """Return once twenty answers have told of rates, which only the gate knows."""
    deadline = time.monotonic() + seconds
    told = 0
    while told < 20:
        call_once(gateway)
        told += gateway.asked[-1].has_rates
        assert time.monotonic() < deadline


@contextmanager
def running_load(valkey: OwnValkey, seed: int) -> Iterator[Load]:
    """Serve on a gate of its own and ask, until the block ends."""
    make_customers()
    with running_server(valkey) as url:
        load = Load(url, make.service_key(), seed)
        with ThreadPoolExecutor(8) as pool:
            _warm_up(load, pool)
            futures = _start(load, pool)
            try:
                yield load
            finally:
                load.is_over.set()
            for future in futures:
                future.result()


def _start(load: Load, pool: ThreadPoolExecutor) -> list[Future[None]]:
    asking = [
        *[(SCARCE, f"scarce_{number}", hold_much) for number in range(5)],
        *[(RICH, f"rich_{number}", call_once) for number in range(2)],
        (LIMITED, "limited", call_once),
    ]
    return [pool.submit(load.run, *each) for each in asking]


def _warm_up(load: Load, pool: ThreadPoolExecutor) -> None:
    """Ask until both processes have loaded what a first answer needs."""
    gateways = [load.gateway(RICH, f"first_{number}") for number in range(8)]
    for _ in range(5):
        list(pool.map(call_once, gateways))
    load.history.clear()


def make_customers() -> None:
    card = make.rate_card(dollars.CARD)
    wide, narrow = make.plan(card=card), make.plan(card=card)
    limits = wide.rate_limit_policy.limits
    limits.update(rpm=10**6, tpm=10**9)
    narrow.rate_limit_policy.limits.update(rpm=RPM, tpm=10**9)
    make.customer(external_id=SCARCE, plan=wide, credits=str(CREDITS))
    make.customer(external_id=RICH, plan=wide, credits=str(PLENTY))
    make.customer(external_id=LIMITED, plan=narrow, credits=str(PLENTY))


def find_scarce() -> Customer:
    return Customer.objects.select_related("wallet").get(external_id=SCARCE)


def count_logged(valkey: OwnValkey, text: str) -> int:
    """Return how often the processes of the server have said something."""
    return (valkey.folder / LOG).read_text().count(text)


@contextmanager
def running_server(valkey: OwnValkey, **variables: str) -> Iterator[str]:
    """Serve by two processes of granian, which log beside the gate; returns where."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface=wsgi", "--workers=2"]
    options = ["--host=127.0.0.1", f"--port={port}", "--blocking-threads=6", "--no-ws"]
    own = {
        "REDIS_URL": valkey.url,
        "HOLD_SECONDS": str(HOLD_SECONDS),
        "GATE_TIMEOUT_MILLISECONDS": str(TIMEOUT),
    }
    with (valkey.folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [*command, *options, "config.wsgi:application"],
            cwd=ROOT,
            env=environment() | own | variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _await(url)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await(url: str) -> None:
    deadline = time.monotonic() + 30
    while not _answers(url):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=1).ok
    except requests.RequestException:
        return False


def describe(history: list[Asked]) -> str:
    """Say how long admissions took in each phase, in milliseconds."""
    lines = []
    for phase in ("before", "during", "after"):
        took = [1000 * asked.seconds for asked in history if asked.phase == phase]
        cuts = quantiles(took, n=100)
        figures = f"p50 {cuts[49]:.0f} p99 {cuts[98]:.0f} max {max(took):.0f}"
        lines.append(f"{phase}: {len(took)} admissions, {figures} ms")
    return "; ".join(lines)
