"""Calls of one customer, cut into steps that may happen in any order.

The gate is the real one in Redis. The books are a model of what PostgreSQL keeps: each
of their methods is one transaction there.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import redis

from ratelimits import limiter
from ratelimits.messages import Answer, Ask, Base, Limit, Status
from tests.ratelimits.stored import clock, keys_of

ZERO = Decimal(0)
FOREVER = 1 << 60
_ROUNDS = 6
_UNLIMITED = Limit("", None, None, None)
# Each is done at once; between them anything else may happen.
Steps = Generator[Callable[[], Any], Any, None]


@dataclass(slots=True, kw_only=True)
class Books:
    """Funds, what is spent of them, leases, and holds made without the gate."""

    funds: Decimal
    # Milliseconds for which the gate may go on from a balance.
    lasts: int
    spent: Decimal = ZERO
    sequence: int = 0
    leases: dict[int, Decimal] = field(default_factory=dict)
    holds: dict[str, Decimal] = field(default_factory=dict)

    def debit(self, amount: Decimal) -> None:
        self.spent += amount
        self.sequence += 1

    def take_lease(self, reference: str, generation: int | None, need: Decimal) -> Base:
        own = generation or 0
        if own not in self.leases:
            known = limiter.find_generations([reference]).get(reference)
            own = (known.generation if known else None) or 0
        begins = own not in self.leases
        own = len(self.leases) + 1 if begins else own
        room = self.funds - self.spent - self._reserved(own)
        wanted = min(4 * need, max(room, ZERO))
        self.leases[own] = max(self.leases.get(own, ZERO), wanted)
        base = self.read_base(own)
        if begins:
            limiter.begin(reference, base)
        return msgspec.structs.replace(base, lease=self.leases[own], lease_lasts=10**7)

    def read_base(self, generation: int) -> Base:
        return Base(
            generation=generation,
            sequence=self.sequence,
            available=self.funds - self.spent - self._reserved(generation),
            lasts=self.lasts,
        )

    def hold(self, name: str, cost: Decimal) -> bool:
        """Hold a call's credits without the gate, beside all that it may hold."""
        if self.funds - self.spent - self._reserved(None) < cost:
            return False
        self.holds[name] = cost
        return True

    def _reserved(self, own: int | None) -> Decimal:
        leased = [amount for key, amount in self.leases.items() if key != own]
        return sum([*leased, *self.holds.values()], ZERO)


@dataclass(slots=True, kw_only=True)
class Customer:
    """What calls of a customer do, each as a generator of its steps.

    It knows better than the gate what is held: `held` until when, by Redis' clock, for
    calls that run, and `unheard` since when of debits that the gate may not know of.
    """

    client: redis.Redis
    reference: str
    books: Books
    held: dict[str, tuple[Decimal, int]] = field(default_factory=dict)
    unheard: dict[str, list[tuple[Decimal, int]]] = field(default_factory=dict)
    # Calls that ended, some before their admission was answered.
    over: set[str] = field(default_factory=set)
    debited: set[str] = field(default_factory=set)
    answers: list[Status] = field(default_factory=list)
    # What may be overdrawn, since nothing was held for it.
    overdraft: Decimal = ZERO
    has_forgotten: bool = False
    now: int = 0

    def left(self) -> Decimal:
        """Return what is left of the funds beside what is spent and held."""
        held = (cost for cost, until in self.held.values() if until > self.now)
        return self.books.funds - self.books.spent - sum(held, ZERO)

    def admit(self, name: str, cost: Decimal) -> Steps:
        """Ask as `billing.services.admission` does."""
        ask = Ask(id=name, print="", limit=_UNLIMITED, tokens=0, cost=cost, floor=ZERO)
        answer = yield lambda: self._ask(ask, None)
        for _ in range(_ROUNDS):
            if answer.status not in (Status.STALE, Status.UNLEASED):
                break
            base = yield self._telling(answer, cost)
            answer = yield self._asking(ask, base)
        self.answers.append(answer.status)

    def admit_outside(self, name: str, cost: Decimal) -> Steps:
        """Ask while the gate does not answer."""

        def hold() -> None:
            if name not in self.over and self.books.hold(name, cost):
                self.held[name] = cost, FOREVER

        yield hold

    def use(self, name: str, amount: Decimal, *, is_lost: bool) -> Steps:
        """Record an event, then tell the gate of it unless that is lost."""
        yield lambda: self._debit(name, amount)
        yield lambda: self.books.holds.pop(name, None)
        if is_lost:
            return
        known = yield lambda: limiter.find_generations([self.reference])
        for each in known.values():
            generation = each.generation
            base = yield lambda: self.books.read_base(generation)  # noqa: B023 - at once.
            yield lambda: self._settle(name, base)  # noqa: B023 - the same.

    def release(self, name: str) -> Steps:
        """Give back what a call holds that will not run."""
        yield lambda: self._end_outside(name)
        yield lambda: limiter.release(self.reference, name)

    def extend(self, name: str) -> Steps:
        """Let a call's hold last from now on again."""
        yield lambda: self._extend(name)

    def forget(self) -> Steps:
        """Let Redis lose all that it knows of the customer."""
        self.has_forgotten = True
        yield lambda: self.client.delete(*keys_of(self.reference))

    def _telling(self, answer: Answer, cost: Decimal) -> Callable[[], Base]:
        generation = answer.generation
        if answer.status == Status.STALE and generation:
            return lambda: self.books.read_base(generation)
        need = Decimal(answer.held[0]).scaleb(-6) + cost
        return lambda: self.books.take_lease(self.reference, generation, need)

    def _asking(self, ask: Ask, base: Base) -> Callable[[], Answer]:
        return lambda: self._ask(ask, base)

    def _ask(self, ask: Ask, base: Base | None) -> Answer:
        answer = limiter.admit(self.reference, ask, base=base)
        self.now = max(self.now, answer.now)
        if answer.status == Status.ADMITTED and answer.expires:
            if ask.id not in self.over:
                self.held[ask.id] = ask.cost, answer.expires + limiter.GRACE
            overdrawn = -self.left()
            assert overdrawn <= self._unheard(), f"{ask.id} overdraws {overdrawn}"
            self.overdraft = max(self.overdraft, overdrawn)
        return answer

    def _end_outside(self, name: str) -> None:
        self.over.add(name)
        self.held.pop(name, None)
        self.books.holds.pop(name, None)
        # It ran all the same, and nothing is held any more for what it cost.
        self.unheard[name] = [(amount, 0) for amount, _ in self.unheard.get(name, [])]

    def _debit(self, name: str, amount: Decimal) -> None:
        if name in self.debited:
            return
        self.debited.add(name)
        self.books.debit(amount)
        self.now = max(self.now, clock(self.client))
        self.over.add(name)
        cost, until = self.held.pop(name, (ZERO, 0))
        covered = min(cost, amount) if until > self.now else ZERO
        self.unheard[name] = [(amount - covered, 0), (covered, until)]
        if amount > covered:
            self.overdraft = max(self.overdraft, -self.left())

    def _unheard(self) -> Decimal:
        parts = [part for parts in self.unheard.values() for part in parts]
        return sum((amount for amount, since in parts if since <= self.now), ZERO)

    def _settle(self, name: str, base: Base) -> None:
        limiter.settle({self.reference: [(name, None)]}, bases={self.reference: base})
        # A base from before the debit may still be under way to a gate that lost all.
        if not self.has_forgotten:
            self.unheard.pop(name, None)

    def _extend(self, name: str) -> None:
        ends = limiter.extend(self.reference, [name])
        if ends > 0 and name in self.held:
            cost, until = self.held[name]
            self.now = max(self.now, clock(self.client))
            self.held[name] = cost, ends + limiter.GRACE
            if until <= self.now:
                # The gate had not ended it yet, so that nobody else had its credits.
                self.overdraft = max(self.overdraft, -self.left())
