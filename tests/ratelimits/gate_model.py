"""The gate as plain Python, to be compared with the one in Redis. Pure."""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal

from ratelimits.bucket import Bucket
from ratelimits.messages import Ask, Base, Limit

MEMORY = 600_000
MOST_ENDED = 2000


@dataclass(slots=True, kw_only=True)
class Hold:
    """What a call holds, or held."""

    ask: Ask
    expires: int
    # When it ends by itself or, once ended, is forgotten.
    due: int
    taking: int | None
    state: str = "open"


@dataclass(slots=True, kw_only=True)
class Rates:
    """Buckets of one limit; each with the limit it was last seen with."""

    requests: Bucket = field(default_factory=Bucket)
    tokens: Bucket = field(default_factory=Bucket)
    rpm: int | None = None
    tpm: int | None = None

    def refill(self, limit: Limit, *, at: int) -> None:
        assert limit.rpm
        assert limit.tpm
        self.rpm, self.tpm = limit.rpm, limit.tpm
        self.requests.refill(limit.rpm, at=at)
        self.tokens.refill(limit.tpm, at=at)


@dataclass(slots=True)
class Verdict:
    """What the gate is to answer."""

    status: str
    refused: list[str] = field(default_factory=list)
    rates: Rates | None = None
    calls: int = 0
    cap: int | None = None
    expires: int | None = None


@dataclass(slots=True)
class Gate:
    """All that the gate knows of one customer."""

    base: Base | None = None
    lease: Decimal = Decimal(0)
    lease_until: int = 0
    valid_until: int = 0
    holds: dict[str, Hold] = field(default_factory=dict)
    rates: dict[str, Rates] = field(default_factory=dict)

    @property
    def open_holds(self) -> list[Hold]:
        return [hold for hold in self.holds.values() if hold.state == "open"]

    @property
    def held(self) -> Decimal:
        return sum((hold.ask.cost for hold in self.open_holds), Decimal(0))

    def held_of(self, cap: str) -> Decimal:
        counted = [
            hold.ask.cost
            for hold in self.open_holds
            if cap in [each.name for each in hold.ask.caps]
        ]
        return sum(counted, Decimal(0))

    def calls_of(self, bucket: str) -> int:
        return sum(hold.ask.limit.bucket == bucket for hold in self.open_holds)

    def end_due(self, now: int) -> None:
        due = sorted((hold.due, name) for name, hold in self.holds.items())
        for at, name in due[:MOST_ENDED]:
            hold = self.holds[name]
            if at <= now and hold.state == "open":
                hold.state, hold.due = "expired", now + MEMORY
            elif at <= now:
                del self.holds[name]

    def take_base(self, base: Base, now: int) -> None:
        if self.base is None or self.base.generation != base.generation:
            if not base.begins:
                return
            if self.base is None or self.base.generation:
                self.holds.clear()
            self.base, self.lease, self.lease_until = None, Decimal(0), 0
        if base.lease is not None:
            self.lease = max(self.lease, base.lease)
            self.lease_until = max(self.lease_until, now + base.lease_lasts)
        if self.base is None or base.sequence >= self.base.sequence:
            self.base, self.valid_until = base, now + base.lasts

    def admit(
        self, ask: Ask, base: Base | None, *, ttl: int, grace: int, now: int
    ) -> Verdict:
        self.end_due(now)
        if base:
            self.take_base(base, now)
        rates = deepcopy(self.rates.get(ask.limit.bucket, Rates()))
        if ask.limit.rpm:
            rates.refill(ask.limit, at=now)
        calls = self.calls_of(ask.limit.bucket)
        known = self.holds.get(ask.id)
        if known and known.state in ("open", "settled"):
            status = "repeated" if known.ask.print == ask.print else "conflict"
            return Verdict(status, rates=rates, calls=calls, expires=known.expires)
        verdict = self._decide(ask, rates, ttl + grace, now)
        verdict.rates, verdict.calls = rates, calls
        if verdict.status == "admitted":
            self._hold(ask, rates, ttl=ttl, grace=grace, now=now)
            verdict.calls, verdict.expires = calls + 1, now + ttl
        return verdict

    def settle(
        self, calls: Iterable[tuple[str, int | None]], base: Base | None, *, now: int
    ) -> int:
        self.end_due(now)
        settled = 0
        for name, tokens in calls:
            hold = self.holds.get(name)
            if hold and hold.state in ("open", "expired"):
                self._end(hold, "settled", tokens, now)
                settled += 1
        if base:
            self.take_base(base, now)
        return settled

    def release(self, name: str, *, now: int) -> None:
        self._end(self.holds[name], "released", 0, now)

    def extend(self, name: str, *, ttl: int, grace: int, now: int) -> None:
        hold = self.holds[name]
        hold.expires, hold.due = now + ttl, now + ttl + grace

    def _decide(self, ask: Ask, rates: Rates, lasts: int, now: int) -> Verdict:
        lasts_long = self.base and self.lease_until >= now + lasts
        if _is_leased(ask) and not lasts_long:
            return Verdict("unleased")
        base = self.base
        if base is None or self.valid_until <= now:
            return Verdict("stale")
        if any(cap.name not in base.spent for cap in ask.caps):
            return Verdict("stale")
        cap = self._find_cap(ask, base)
        refused = [
            *self._money(ask, base),
            *(["cap"] if cap else []),
            *self._rates(ask, rates),
        ]
        if refused:
            return Verdict("refused", refused, cap=cap)
        if _is_leased(ask) and self.lease < self.held + ask.cost:
            return Verdict("unleased")
        return Verdict("admitted")

    def _money(self, ask: Ask, base: Base) -> list[str]:
        left = base.available - self.held - ask.cost
        return ["credits"] if ask.floor is not None and left < ask.floor else []

    def _find_cap(self, ask: Ask, base: Base) -> int | None:
        for place, cap in enumerate(ask.caps, start=1):
            if base.spent[cap.name] + self.held_of(cap.name) + ask.cost > cap.amount:
                return place
        return None

    def _rates(self, ask: Ask, rates: Rates) -> list[str]:
        limit, refused = ask.limit, []
        if limit.rpm and rates.requests.wait(limit.rpm, 1):
            refused.append("requests")
        if (
            limit.tpm
            and deepcopy(rates.tokens).take(limit.tpm, ask.tokens, at=0) is None
        ):
            refused.append("tokens")
        if limit.calls and self.calls_of(limit.bucket) >= limit.calls:
            refused.append("concurrent_requests")
        return refused

    def _hold(self, ask: Ask, rates: Rates, *, ttl: int, grace: int, now: int) -> None:
        taking = None
        if ask.limit.rpm and ask.limit.tpm:
            rates.requests.take(ask.limit.rpm, 1, at=now)
            taking = rates.tokens.take(ask.limit.tpm, ask.tokens, at=now)
            self.rates[ask.limit.bucket] = rates
        self.holds[ask.id] = Hold(
            ask=ask, expires=now + ttl, due=now + ttl + grace, taking=taking
        )

    def _end(self, hold: Hold, how: str, tokens: int | None, now: int) -> None:
        hold.state, hold.due = how, now + MEMORY
        rates = self.rates.get(hold.ask.limit.bucket)
        if (
            hold.taking
            and rates
            and rates.tpm
            and tokens not in (None, hold.ask.tokens)
        ):
            difference = (tokens or 0) - hold.ask.tokens
            rates.tokens.correct(rates.tpm, hold.taking, difference, at=now)


def _is_leased(ask: Ask) -> bool:
    """Tell whether what is held may refuse the call, and so may not be forgotten."""
    return ask.floor is not None or len(ask.caps) > 0
