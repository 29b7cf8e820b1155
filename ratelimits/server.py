"""The Redis that the gate is in: its functions, its budget, when it is left alone."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from ratelimits.breaker import Breaker

_SOURCE = (Path(__file__).parent / "gate.lua").read_text(encoding="utf-8")
# Two releases may share one Redis while the one takes the other's place.
_RELEASE = sha256(_SOURCE.encode()).hexdigest()[:12]
_CODE = f"#!lua name=tollgate_{_RELEASE}\n" + _SOURCE.replace(
    "'tollgate_", f"'tollgate_{_RELEASE}_"
)
_NO_FUNCTION = "Function not found"
_BREAKER = Breaker(pause=0.5)

Command = tuple[Any, ...]


class GateUnavailableError(Exception):
    """Redis does not answer, or cannot take anything in."""


def function_call(name: str, keys: Iterable[str], message: bytes) -> Command:
    """Return the command that calls a function of the gate."""
    named = list(keys)
    return ("FCALL", f"tollgate_{_RELEASE}_{name}", len(named), *named, message)


def run(command: Command) -> Any:
    """Run one command.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    return _guarded(lambda client: _execute(client, command))


def run_all(commands: Iterable[Command]) -> list[Any]:
    """Run commands in one round trip; they are not one transaction.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    wanted = list(commands)
    answers: list[Any] = _guarded(lambda client: _pipelined(client, wanted))
    return answers


def _guarded(act: Callable[[redis.Redis], Any]) -> Any:
    """Do something with Redis, within its budget, and note whether it answered."""
    if _BREAKER.is_open():
        raise GateUnavailableError
    try:
        client = connect(settings.REDIS_URL, settings.GATE_TIMEOUT_SECONDS)
        answer = _with_functions(client, act)
    except redis.RedisError as error:
        _BREAKER.note_failure(error)
        raise GateUnavailableError from error
    _BREAKER.note_success()
    return answer


def _with_functions(client: redis.Redis, act: Callable[[redis.Redis], Any]) -> Any:
    try:
        return act(client)
    except redis.ResponseError as error:
        if _NO_FUNCTION not in str(error):
            raise
    # A new server, or one that restarted empty.
    client.function_load(_CODE, replace=True)
    return act(client)


@lru_cache(maxsize=8)
def connect(url: str, seconds: float, *, decode_responses: bool = False) -> redis.Redis:
    """Return this process's client of a Redis, which waits so long and tries once."""
    return redis.Redis.from_url(
        url,
        decode_responses=decode_responses,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )


def _execute(client: redis.Redis, command: tuple[Any, ...]) -> Any:
    return client.execute_command(*command)  # type: ignore[no-untyped-call]


def _pipelined(client: redis.Redis, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
    return list(pipeline.execute())
