"""The function in Redis does what a plain Python model of it does, step by step."""

import os
import secrets
import time
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from random import Random

import pytest
from django.conf import settings

from ratelimits import limiter
from ratelimits.messages import Ask, Base, CapAsk, Limit
from tests.ratelimits.gate_model import Gate
from tests.ratelimits.stored import (
    clock,
    describe,
    differences,
    read_stored,
    server,
)

pytestmark = pytest.mark.django_db
TRACES = int(os.environ.get("SOAK_EXAMPLES", "200")) // 10
STEPS = 150
CAPS = ("day", "month")
# A unit a millisecond, a few a second, and none that a trace would see.
REQUESTS, TOKENS = (2, 600, 60_000), (60, 6_000, 60_000, 600_000)


class Trace:
    """Random calls of the gate, and the same of the model."""

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.random = Random(seed)  # noqa: S311 - a test's.
        self.monkeypatch = monkeypatch
        self.reference = f"cus_{seed}"
        self.client = server()
        self.gate = Gate()
        self.generation, self.sequence = 0, 10
        self.ids: list[str] = []
        self.limits: dict[str, Limit] = {}
        self.statuses: set[str] = set()
        self.change_limits()

    def step(self) -> None:
        actions: list[Callable[[], None]] = [
            *[self.admit] * 8,
            *[self.settle] * 4,
            *[self.release, self.extend, self.wait, self.change_limits],
        ]
        self.random.choice(actions)()
        stored = read_stored(self.client, self.reference)
        assert not differences(stored, describe(self.gate))

    def admit(self) -> None:
        ttl, grace = self._lasts()
        ask, base = self._ask(), self._base()
        answer = limiter.admit(self.reference, ask, base=base)
        expected = self.gate.admit(ask, base, ttl=ttl, grace=grace, now=answer.now)
        assert (answer.status, list(answer.refused)) == (
            expected.status,
            expected.refused,
        )
        assert (answer.cap, answer.calls) == (expected.cap, expected.calls)
        assert answer.expires == expected.expires
        if expected.rates and ask.limit.rpm:
            used = expected.rates.requests.used, expected.rates.tokens.used
            assert (answer.requests, answer.tokens) == used
        self.ids.append(ask.id)
        self.statuses |= {answer.status, *answer.refused}

    def settle(self) -> None:
        self._lasts()
        names = {self._some_id() for _ in range(self.random.randint(1, 3))}
        calls = [
            (name, self.random.choice([None, 0, 7, 40, 300])) for name in sorted(names)
        ]
        base = self._base()
        bases = {self.reference: base} if base else {}
        self._both(
            lambda: limiter.settle({self.reference: calls}, bases=bases),
            lambda gate, now: gate.settle(calls, base, now=now),
        )

    def release(self) -> None:
        self._lasts()
        name = self._some_id()
        hold = self.gate.holds.get(name)
        if hold is None or hold.state != "open":
            assert not limiter.release(self.reference, name)
            return
        # Redis frees what it holds though its time may just be over.
        self._both(
            lambda: limiter.release(self.reference, name),
            lambda gate, now: gate.release(name, now=now),
        )

    def extend(self) -> None:
        ttl, grace = self._lasts()
        name = self._some_id()
        expires = limiter.extend(self.reference, [name])
        hold = self.gate.holds.get(name)
        assert (expires != 0) == (hold is not None and hold.state == "open")
        if expires > 0:
            self.gate.extend(name, ttl=ttl, grace=grace, now=expires - ttl)

    def wait(self) -> None:
        time.sleep(self.random.choice([0.001, 0.003, 0.012]))

    def change_limits(self) -> None:
        """Change the tier: what was used stays."""
        for bucket in ("", "small"):
            self.limits[bucket] = Limit(
                bucket,
                self.random.choice(REQUESTS),
                self.random.choice(TOKENS),
                self.random.choice([None, 3, 8]),
            )

    def _both(
        self, real: Callable[[], object], modeled: Callable[[Gate, int], object]
    ) -> None:
        """Do something that does not say when: at some millisecond it agrees."""
        start = clock(self.client)
        real()
        stored = read_stored(self.client, self.reference)
        tried = []
        for now in range(start, clock(self.client) + 1):
            gate = deepcopy(self.gate)
            modeled(gate, now)
            tried.append((describe(gate), gate))
        agreeing = [gate for described, gate in tried if described == stored]
        assert agreeing, [differences(stored, each) for each, _ in tried]
        self.gate = agreeing[0]

    def _lasts(self) -> tuple[int, int]:
        """Choose how long holds last and count beyond it, in milliseconds."""
        seconds = self.random.choice([0, 300, 300])
        grace = self.random.choice([1, 20, 10_000])
        self.monkeypatch.setattr(settings, "HOLD_SECONDS", seconds)
        self.monkeypatch.setattr(limiter, "GRACE", grace)
        return seconds * 1000, grace

    def _ask(self) -> Ask:
        is_new = self.random.random() < 0.9
        name = f"req_{len(self.ids)}" if is_new else self._some_id()
        return Ask(
            id=name,
            print=self.random.choice(["a", "a", "b"]),
            limit=self.random.choice([*self.limits.values(), Limit("", None, None, 5)]),
            tokens=self.random.choice([0, 1, 20, 150]),
            cost=self._amount(3),
            floor=self.random.choice([None, Decimal(0), Decimal(-5)]),
            caps=[
                CapAsk(name, Decimal(self.random.randint(2, 12)))
                for name in CAPS
                if self.random.random() < 0.4
            ],
        )

    def _base(self) -> Base | None:
        if self.random.random() < 0.4:
            return None
        begins = self.generation == 0 or self.random.random() < 0.04
        self.generation += begins
        self.sequence += self.random.choice([0, 1])
        spent = {name: self._amount(5) for name in CAPS if self.random.random() < 0.9}
        return Base(
            # Now and then of a generation that is past.
            generation=self.generation - (self.random.random() < 0.05),
            begins=begins,
            sequence=self.sequence - self.random.choice([0, 0, 2]),
            available=self._amount(40) - 3,
            lasts=self.random.choice([4, 2000]),
            spent=spent,
            lease=self.random.choice([None, self._amount(30)]),
            lease_lasts=self.random.choice([5, 1_000_000]),
        )

    def _amount(self, most: int) -> Decimal:
        return Decimal(self.random.randint(0, most * 10**18)).scaleb(-18)

    def _some_id(self) -> str:
        return self.random.choice([*self.ids[-12:], "req_none"])


@pytest.mark.parametrize("part", range(4))
def test_random_traces_agree_with_the_model_at_every_step(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: set[str] = set()
    for _ in range(-(-TRACES // 4)):
        seed = secrets.randbits(32)
        trace = Trace(seed, monkeypatch)
        for number in range(STEPS):
            try:
                trace.step()
            except AssertionError as error:
                error.add_note(f"seed {seed}, step {number}, part {part}")
                raise
        met |= trace.statuses
    assert met == {
        *("admitted", "repeated", "conflict", "refused", "stale", "unleased"),
        *("credits", "cap", "requests", "tokens", "concurrent_requests"),
    }
