"""A server process as a replay starts it: it asks the gate as fast as it answers."""

from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

from django.conf import settings

from ledger.money import ZERO
from ratelimits import limiter
from ratelimits.messages import Ask, Limit

_TOGETHER: list[Barrier] = []


class Asked(NamedTuple):
    """What was asked and answered: when, and what is used after it."""

    now: int
    requests: int
    tokens: int
    asked: int
    refused: tuple[str, ...]


def start(redis_url: str, together: Barrier) -> None:
    """Prepare a process that has just begun, on a connection of its own."""
    settings.REDIS_URL = redis_url
    _TOGETHER.append(together)


def ask_all(
    reference: str, limit: Limit, calls: Sequence[tuple[str, int]]
) -> list[Asked]:
    """Ask for each call, by its id and its tokens, once all processes are ready."""
    _TOGETHER[0].wait(timeout=60)
    return [_ask(reference, limit, name, tokens) for name, tokens in calls]


def _ask(reference: str, limit: Limit, name: str, tokens: int) -> Asked:
    ask = Ask(id=name, print="", limit=limit, tokens=tokens, cost=ZERO, floor=None)
    answer = limiter.admit(reference, ask)
    assert answer.status in ("admitted", "refused")
    return Asked(
        answer.now,
        answer.requests or 0,
        answer.tokens or 0,
        tokens,
        tuple(answer.refused),
    )
