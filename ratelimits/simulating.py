"""Past calls against limits that they did not have: who would have been refused. Pure.

Each limit has a bucket of requests and one of tokens, as at the gate. A call takes of
both or of neither, and one that is refused takes nothing and does not come again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ratelimits.bucket import UNIT, Bucket

HOUR: Final = 3_600_000
# The limit of every model without its own.
OTHERS: Final = ""


class Call(NamedTuple):
    """A call as it was: when, in milliseconds, of which model, and its tokens."""

    at: int
    model: str
    tokens: int


class Rates(NamedTuple):
    """Requests and tokens per minute; none for what is not limited."""

    rpm: int | None
    tpm: int | None


# By model; without an entry for a model and for others, nothing limits it.
Limits = Mapping[str, Rates]


@dataclass(slots=True)
class Simulation:
    """What became of calls: how many were refused, by what, in which hours.

    Hours are counted from the epoch. The peak is the most that a bucket had given out
    at once, in percent of its limit.
    """

    calls: int = 0
    refused_by_requests: int = 0
    refused_by_tokens: int = 0
    tokens_refused: int = 0
    peak_percent: int = 0
    by_hour: Counter[int] = field(default_factory=Counter)

    @property
    def refused(self) -> int:
        """How many calls were refused."""
        return self.refused_by_requests + self.refused_by_tokens

    @property
    def first_hour(self) -> int | None:
        """The first hour in which a call was refused."""
        return min(self.by_hour, default=None)

    @property
    def worst_hour(self) -> int | None:
        """The hour in which most calls were refused, the first of several."""
        if not self.by_hour:
            return None
        return max(self.by_hour, key=lambda hour: (self.by_hour[hour], -hour))


class Simulator:
    """Lets one customer's calls pass limits, one after the other, in their order."""

    def __init__(self, limits: Limits) -> None:
        self.result = Simulation()
        self._limits = limits
        self._buckets = {model: (Bucket(), Bucket()) for model in limits}

    def add(self, call: Call) -> None:
        """Let a call pass, or refuse it."""
        self.result.calls += 1
        name = call.model if call.model in self._limits else OTHERS
        rates = self._limits.get(name)
        if rates is None:
            return
        requests, tokens = self._buckets[name]
        if not _has_room(requests, rates.rpm, 1, call.at):
            self.result.refused_by_requests += 1
        elif not _has_room(tokens, rates.tpm, call.tokens, call.at):
            self.result.refused_by_tokens += 1
        else:
            self._take(requests, rates.rpm, 1, call.at)
            self._take(tokens, rates.tpm, call.tokens, call.at)
            return
        self.result.tokens_refused += call.tokens
        self.result.by_hour[call.at // HOUR] += 1

    def _take(self, bucket: Bucket, limit: int | None, amount: int, at: int) -> None:
        if limit is None:
            return
        bucket.take(limit, amount, at=at)
        percent = 100 * bucket.used // (limit * UNIT)
        self.result.peak_percent = max(self.result.peak_percent, percent)


def simulate(calls: Iterable[Call], limits: Limits) -> Simulation:
    """Let one customer's calls pass limits; they are in the order of their time."""
    simulator = Simulator(limits)
    for call in calls:
        simulator.add(call)
    return simulator.result


def _has_room(bucket: Bucket, limit: int | None, amount: int, at: int) -> bool:
    if limit is None:
        return True
    bucket.refill(limit, at=at)
    return bucket.remaining(limit) >= amount
