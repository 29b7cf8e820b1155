"""Calls of one customer from many threads: none runs that the credits are not for.

Every call that was admitted is used or released in the end, and no other is charged: so
if ever more was held than there was, the balance falls below zero.
"""

import secrets
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

import pytest

from billing.models import Customer
from billing.queries.admission import Call
from billing.queries.callers import get_caller
from billing.services.admission import admit_call, extend_calls, release_call
from billing.services.leases import sum_held
from billing.services.outage import HeldElsewhereError
from billing.services.settling import settle_calls
from config.verification import verify_all
from ratelimits import limiter
from ratelimits.amounts import from_limbs
from tests import make
from tests.billing import dollars
from tests.make import NOW
from tests.ratelimits.stored import keys_of, server
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 6
STEPS = 20


@dataclass
class Gateway:
    """One of several that ask for a customer's calls and post their events."""

    random: Random
    name: str
    # How often it lets Redis lose all that it knows.
    forgets: float
    asked: int = 0
    running: dict[str, int] = field(default_factory=dict)
    balances: list[Decimal] = field(default_factory=list)

    def work(self) -> None:
        for _ in range(STEPS):
            if self.random.random() < self.forgets:
                server().delete(*keys_of("cus_abc123"))
            self.admit()
            if self.running and self.random.random() < 0.6:
                self.end(self.random.choice([*self.running]))
        for name in [*self.running]:
            self.end(name)

    def admit(self) -> None:
        self.asked += 1
        name, tokens = f"{self.name}_{self.asked}", self.random.randint(1, 6)
        call = Call(
            request_id=name,
            model=dollars.MODEL,
            properties={"input_tokens": 0, "output_tokens": tokens},
        )
        try:
            verdict = admit_call(caller=get_caller("cus_abc123"), call=call, at=NOW)
        except HeldElsewhereError:
            # By calls that were forgotten.
            return
        if verdict.is_admitted:
            self.running[name] = tokens

    def end(self, name: str) -> None:
        caller, tokens = get_caller("cus_abc123"), self.running.pop(name)
        how = self.random.choice(["used", "used", "cheaper", "released", "extended"])
        if how == "released":
            release_call(caller=caller, request_id=name)
            return
        if how == "extended":
            extend_calls(caller=caller, request_ids=[name], at=NOW)
        self.use(name, self.random.randint(0, tokens) if how == "cheaper" else tokens)

    def use(self, name: str, tokens: int) -> None:
        event = dollars.use(tokens, name)
        outcomes = make.record(event)
        settle_calls(events=[event], outcomes=outcomes, at=NOW)
        self.balances += [each.balance for each in outcomes if each.balance is not None]


def gateways(*, forgets: float = 0) -> list[Gateway]:
    seed = secrets.randbits(32)
    return [
        Gateway(Random(seed + number), f"{seed}_{number}", forgets)  # noqa: S311
        for number in range(THREADS)
    ]


@pytest.fixture
def customer() -> Customer:
    return dollars.customer(credits="60")


def assert_nothing_is_overdrawn(customer: Customer, working: list[Gateway]) -> None:
    seed = working[0].name
    balances = [balance for each in working for balance in each.balances]
    assert min(balances) >= 0, seed
    customer.wallet.refresh_from_db()
    assert customer.wallet.balance == min(balances)
    assert [finding for finding in verify_all() if finding.differences] == []
    assert from_limbs(limiter.look("cus_abc123", []).held) == 0, seed
    assert sum_held(customer.pk, at=NOW) == 0


@pytest.mark.parametrize("forgets", [0, 0.1])
def test_no_order_of_calls_overdraws(customer: Customer, forgets: float) -> None:
    working = gateways(forgets=forgets)

    run_at_once([each.work for each in working])

    assert_nothing_is_overdrawn(customer, working)
