"""Real traffic, asked for by four server processes as fast as the machine goes."""

import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from fractions import Fraction

import pytest
from django.conf import settings

from ratelimits import limiter
from ratelimits.bucket import UNIT, Bucket
from ratelimits.messages import Base, Limit
from tests.billing.pricing.oracles import trace
from tests.ratelimits.server_process import Asked, ask_all, start

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PROCESSES = 4
MOONCAKE = "mooncake_conversation_first30min.csv.gz"
CASES = [
    (MOONCAKE, "requests"),
    (MOONCAKE, "tokens"),
    ("mooncake_synthetic.csv.gz", "either"),
    ("claude_code_sessions.csv.gz", "tokens"),
]
ENOUGH = 10**11
Calls = list[tuple[str, int]]


def calls_of(file: str) -> Calls:
    return [
        (f"req_{number}", int(row["input_tokens"]) + int(row["output_tokens"]))
        for number, row in enumerate(trace(file))
    ]


def scaled(calls: Calls, binds: str) -> Limit:
    """Return a limit for about half of what is asked for, however fast it comes."""
    rpm = len(calls) // 2 if binds != "tokens" else ENOUGH // UNIT
    tpm = sum(tokens for _, tokens in calls) // 2 if binds != "requests" else ENOUGH
    return Limit("", rpm, tpm, None)


def replay(calls: Calls, limit: Limit) -> list[Asked]:
    """Ask for calls from all processes at once; returns them in the gate's order."""
    limiter.begin("cus_1", BASE)
    context = multiprocessing.get_context("spawn")
    shares = [calls[place::PROCESSES] for place in range(PROCESSES)]
    with ProcessPoolExecutor(
        PROCESSES,
        mp_context=context,
        initializer=start,
        initargs=(settings.REDIS_URL, context.Barrier(PROCESSES)),
    ) as pool:
        asked = [pool.submit(ask_all, "cus_1", limit, share) for share in shares]
        answers = [answer for each in asked for answer in each.result()]
    return sorted(answers, key=place)


def place(asked: Asked) -> tuple[int, int, bool]:
    """Return where an answer was among all.

    Within a millisecond nothing refills: each call that is admitted adds a request, and
    one that is refused comes after the last whose requests it was answered with.
    """
    return asked.now, asked.requests, bool(asked.refused)


# Credits refuse nothing.
BASE = Base(generation=1, sequence=1, available=Decimal(0), lasts=10**7)


@pytest.mark.parametrize(("file", "binds"), CASES)
def test_four_servers_admit_what_one_bucket_would(file: str, binds: str) -> None:
    calls = calls_of(file)
    limit = scaled(calls, binds)

    asked = replay(calls, limit)

    assert len(asked) == len(calls)
    assert find_drift(asked, limit) == []
    admitted = [each for each in asked if not each.refused]
    assert fullest_window([(each.now, 1) for each in admitted], limit.rpm) <= 1
    assert fullest_window([(e.now, e.asked) for e in admitted], limit.tpm) <= 1
    refused = {name for each in asked for name in each.refused}
    assert refused <= ({binds} if binds != "either" else {"requests", "tokens"})
    assert len(admitted) < len(calls)
    report(file, binds, asked, len(admitted))


def report(file: str, binds: str, asked: Sequence[Asked], admitted: int) -> None:
    spent = max(1, asked[-1].now - asked[0].now)
    sys.stdout.write(
        f"{file}, {binds}: {len(asked)} asked by {PROCESSES} processes in {spent} ms "
        f"({len(asked) * 1000 // spent}/s), {admitted} admitted, drift 0\n"
    )


def fullest_window(taken: Sequence[tuple[int, int]], limit: int | None) -> Fraction:
    """Return how full the fullest window was, of what burst and refill allow in it."""
    assert limit
    fullest, before, least = Fraction(0), 0, 0
    for now, amount in taken:
        least = min(least, before - limit * now)
        before += amount * UNIT
        fullest = max(fullest, Fraction(before - limit * now - least, limit * UNIT))
    return fullest


def find_drift(asked: Sequence[Asked], limit: Limit) -> list[tuple[Asked, object]]:
    """Return the answers that are not those of one bucket in one process."""
    assert limit.rpm
    assert limit.tpm
    requests, tokens = Bucket(), Bucket()
    drift: list[tuple[Asked, object]] = []
    for each in asked:
        requests.refill(limit.rpm, at=each.now)
        tokens.refill(limit.tpm, at=each.now)
        full = {
            "requests": not _fits(requests, limit.rpm, 1),
            "tokens": not _fits(tokens, limit.tpm, each.asked),
        }
        expected = tuple(name for name, is_full in full.items() if is_full)
        if not expected:
            requests.take(limit.rpm, 1, at=each.now)
            tokens.take(limit.tpm, each.asked, at=each.now)
        said = each.refused, each.requests, each.tokens
        if said != (expected, requests.used, tokens.used):
            drift.append((each, (expected, requests.used, tokens.used)))
    return drift


def _fits(bucket: Bucket, limit: int, amount: int) -> bool:
    return bucket.used + amount * UNIT <= limit * UNIT
