"""In whatever order the steps of calls happen, credits are never held twice.

Each interleaving is of two to six of: admit, settle, release, expire, extend, debit, a
Redis that forgets, and an admission without it. `make soak` runs 100,000 of them.
"""

import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import redis
from django.conf import settings

from ratelimits import limiter
from tests.ratelimits.interleaving import Books, Customer, Steps
from tests.ratelimits.stored import keys_of, server

pytestmark = pytest.mark.django_db
PARTS = 4
INTERLEAVINGS = int(os.environ.get("SOAK_INTERLEAVINGS", "2000"))
KINDS = [
    *["admit"] * 3,
    "use",
    "use",
    "release",
    "debit",
    "outside",
    "extend",
    "forget",
]
# What holds last longest in milliseconds, so that they expire while others come.
BRIEF, LONG = 2, 10_000


class Interleaving:
    """Starts what a customer does, and goes on with any of it, step by step."""

    def __init__(self, seed: int, client: redis.Redis) -> None:
        self.random = Random(seed)  # noqa: S311 - it has to be repeatable.
        books = Books(
            funds=Decimal(self.random.randint(0, 20)),
            lasts=self.random.choice([1, 2000]),
        )
        self.customer = Customer(client=client, reference=f"cus_{seed}", books=books)
        self.running: list[tuple[Steps, Any]] = []
        self.names: list[str] = []
        self.done: Counter[str] = Counter()

    def run(self) -> None:
        to_begin = self.random.randint(3, 9)
        while to_begin or self.running:
            if to_begin and (not self.running or self.random.random() < 0.4):
                self.running.append((self._begin(), None))
                to_begin -= 1
            self._go_on()
            self._check()
        self.customer.client.delete(*keys_of(self.customer.reference))
        self.done.update(map(str, self.customer.answers))

    def _check(self) -> None:
        left, overdraft = self.customer.left(), self.customer.overdraft
        assert left >= -overdraft, f"{left} left, and {overdraft} may be overdrawn"
        # Only what came without a hold, or beyond it, may overdraw.
        if not (self.done["debit"] or self.done["use"]):
            assert overdraft == 0

    def _begin(self) -> Steps:
        kind = self.random.choice(KINDS)
        if limiter.GRACE == BRIEF and self.random.random() < 0.2:
            time.sleep(0.003)
        self.done[kind] += 1
        return self._steps(kind)

    def _go_on(self) -> None:
        """Do the next step of anything that was begun."""
        place = self.random.randrange(len(self.running))
        steps, sent = self.running.pop(place)
        try:
            step = steps.send(sent)
        except StopIteration:
            return
        self.running.append((steps, step()))

    def _steps(self, kind: str) -> Steps:
        customer, amount = self.customer, Decimal(self.random.randint(0, 70)) / 10
        known = self.random.choice([*self.names, "req_none"])
        new = f"req_{len(self.names)}"
        is_lost = self.random.random() < 0.2
        steps: dict[str, Callable[[], Steps]] = {
            "admit": lambda: customer.admit(new, amount),
            "outside": lambda: customer.admit_outside(new, amount),
            "use": lambda: customer.use(known, amount, is_lost=is_lost),
            "debit": lambda: customer.use(new, amount, is_lost=is_lost),
            "release": lambda: customer.release(known),
            "extend": lambda: customer.extend(known),
            "forget": customer.forget,
        }
        if kind in ("admit", "outside", "debit"):
            self.names.append(new)
        return steps[kind]()


@pytest.mark.parametrize("part", range(PARTS))
def test_holds_and_what_is_spent_never_pass_the_funds(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: Counter[str] = Counter()
    client, first = server(), secrets.randbits(48)
    for number in range(INTERLEAVINGS // PARTS):
        is_brief = number % 2
        monkeypatch.setattr(limiter, "GRACE", BRIEF if is_brief else LONG)
        monkeypatch.setattr(settings, "HOLD_SECONDS", 0 if is_brief else 300)
        done += run(Interleaving(first + number, client))

    sys.stdout.write(f"part {part}, seeds from {first} on: {dict(done)}\n")
    assert done.keys() >= {*KINDS, "admitted", "refused"}


def run(interleaving: Interleaving) -> Counter[str]:
    try:
        interleaving.run()
    except AssertionError as error:
        error.add_note(f"{interleaving.customer.reference} is its seed")
        raise
    return interleaving.done
