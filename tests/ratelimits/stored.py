"""What the gate in Redis has stored of a customer, and what a model says it has."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import redis
from django.conf import settings

from ratelimits.amounts import from_limbs
from ratelimits.bucket import Bucket
from tests.ratelimits.gate_model import Gate

_STATES = ("open", "settled", "released", "expired")
State = dict[str, Any]


def server() -> redis.Redis:
    """Return the Redis that the test's gate is in."""
    return redis.Redis.from_url(settings.REDIS_URL)


def clock(client: redis.Redis) -> int:
    """Return Redis' own time in milliseconds."""
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def keys_of(reference: str) -> list[str]:
    """Return the keys of all that is stored of a customer."""
    names = ("state", "holds", "expiries", "rates")
    return [f"tollgate:{{{reference}}}:{name}" for name in names]


def read_stored(client: redis.Redis, reference: str) -> State:
    """Return what is stored, in the form of `describe`."""
    keys = keys_of(reference)
    pipeline = client.pipeline()
    pipeline.get(keys[0])
    pipeline.hgetall(keys[1])
    pipeline.hgetall(keys[3])
    pipeline.zrange(keys[2], 0, -1, withscores=True)
    text, *packed, scores = pipeline.execute()
    state = _unpacked(text) or {}
    holds, rates = (
        {name.decode(): _unpacked(text) for name, text in each.items()}
        for each in packed
    )
    dues = {name.decode(): int(at) for name, at in scores}
    return {
        "held": from_limbs(state.get("held", (0, 0))),
        "caps": _counted(state.get("caps"), from_limbs),
        "calls": _counted(state.get("calls"), int),
        "lease": from_limbs(state.get("lease", (0, 0))),
        "lease_until": state.get("lease_until", 0),
        "valid_until": state.get("valid_until", 0),
        "holds": {
            name: (_STATES[hold["state"]], hold["expires"], dues[name])
            for name, hold in holds.items()
        },
        "rates": {name: _stored_bucket(name, each) for name, each in rates.items()},
    }


def describe(gate: Gate) -> State:
    """Return what a model says is stored."""
    caps = {cap.name for hold in gate.open_holds for cap in hold.ask.caps}
    calls = {hold.ask.limit.bucket for hold in gate.open_holds}
    rates = {}
    for name, each in gate.rates.items():
        rates[f"r:{name}"] = _described(each.requests, troughs=[])
        rates[f"t:{name}"] = _described(each.tokens, troughs=each.tokens.troughs)
    return {
        "held": gate.held,
        "caps": {name: held for name in caps if (held := gate.held_of(name))},
        "calls": {name: gate.calls_of(name) for name in calls},
        "lease": gate.lease,
        "lease_until": gate.lease_until,
        "valid_until": gate.valid_until,
        "holds": {
            name: (hold.state, hold.expires, hold.due)
            for name, hold in gate.holds.items()
        },
        "rates": rates,
    }


def differences(stored: State, described: State) -> dict[str, tuple[Any, Any]]:
    """Return what is stored otherwise than a model says: as stored, as said."""
    return {
        name: (stored[name], value)
        for name, value in described.items()
        if stored[name] != value
    }


def _described(bucket: Bucket, *, troughs: list[tuple[int, int]]) -> tuple[Any, ...]:
    return bucket.used, bucket.at, bucket.taken, troughs


def _stored_bucket(name: str, stored: Mapping[str, Any]) -> tuple[Any, ...]:
    troughs = [tuple(each) for each in stored["troughs"]]
    assert not troughs or name.startswith("t:")
    return stored["used"], stored["at"], stored["taken"], troughs


def _counted(stored: Any, read: Any) -> dict[str, Decimal | int]:
    """Return a table of Lua, which knows no difference between {} and []."""
    return {name: read(value) for name, value in dict(stored or {}).items()} | {}


def _unpacked(text: Any) -> Any:
    return msgspec.msgpack.decode(text) if text else None
