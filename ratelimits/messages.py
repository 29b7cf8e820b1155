"""What the gate is asked and answers, and how that is written for Lua. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from ratelimits.amounts import Limbs, to_limbs, to_limbs_at_least


class Status(StrEnum):
    """What the gate says of a call."""

    ADMITTED = "admitted"
    # The same was admitted before, and counts once.
    REPEATED = "repeated"
    # Another call was admitted by this id.
    CONFLICT = "conflict"
    REFUSED = "refused"
    # The gate has to be told of the balance or the caps again.
    STALE = "stale"
    # It needs a lease, a longer or a larger one.
    UNLEASED = "unleased"


class Limit(NamedTuple):
    """Requests and tokens per minute, and calls at once, in a bucket of their own.

    None for what is not limited.
    """

    bucket: str
    rpm: int | None
    tpm: int | None
    calls: int | None


class CapAsk(NamedTuple):
    """A cap that a call counts against; `name` says which, of which day or month."""

    name: str
    amount: Decimal


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A call that wants to run. Amounts are in credits.

    What is available, less all holds and the cost, may not fall below the floor;
    without a floor, credits refuse nothing.
    """

    id: str
    print: str
    limit: Limit
    tokens: int
    cost: Decimal
    floor: Decimal | None
    caps: Sequence[CapAsk] = ()


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What PostgreSQL says of a customer's credits, for the gate to go on from.

    The younger sequence stands. `lasts` and `lease_lasts` are in milliseconds.
    """

    generation: int
    # The generation begins: what the gate held before is lost to it.
    begins: bool = False
    sequence: int
    available: Decimal
    lasts: int
    # What of caps is spent, by name.
    spent: Mapping[str, Decimal] = {}
    # The gate's clock before PostgreSQL was asked: what arrives much later is dropped.
    as_of: int | None = None
    # What may be held in all, if it is bounded.
    lease: Decimal | None = None
    lease_lasts: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate says of a call, and how things stand after it.

    Times are in milliseconds by Redis' clock; what is used of a bucket is in 60,000ths.
    """

    status: Status
    now: int
    refused: Sequence[str] = ()
    expires: int | None = None
    generation: int | None = None
    # Milliseconds since the balance was read.
    age: int | None = None
    held: Limbs = (0, 0)
    available: Limbs | None = None
    lease: Limbs | None = None
    requests: int | None = None
    tokens: int | None = None
    calls: int = 0
    # The cap that refuses, by its place among those asked about, from 1.
    cap: int | None = None
    spent: Limbs = (0, 0)
    cap_held: Limbs = (0, 0)


class Known(msgspec.Struct, frozen=True):
    """Which generation of a customer's holds the gate has, if any, and its clock."""

    now: int
    generation: int | None = None


class Used(msgspec.Struct, frozen=True):
    """What is used of one limit."""

    requests: int
    tokens: int
    calls: int


class View(msgspec.Struct, frozen=True):
    """What is used of a customer's limits, and held, now."""

    held: Limbs
    buckets: Sequence[Used]


def as_message(ask: Ask) -> dict[str, Any]:
    """Return a call as the gate reads it, but for how long it may hold."""
    limit = ask.limit
    return {
        "id": ask.id,
        "print": ask.print,
        "bucket": limit.bucket,
        "rpm": limit.rpm,
        "tpm": limit.tpm,
        "calls": limit.calls,
        "tokens": ask.tokens,
        "cost": to_limbs_at_least(ask.cost),
        "is_limited": ask.floor is not None,
        # What else is refused by what is held is not to be forgotten either.
        "is_leased": ask.floor is not None or len(ask.caps) > 0,
        "floor": to_limbs_at_least(ask.floor) if ask.floor is not None else None,
        "caps": [
            {"name": cap.name, "amount": to_limbs(cap.amount)} for cap in ask.caps
        ],
    }


def as_limbs(base: Base) -> dict[str, Any]:
    """Return a base as the gate reads it."""
    return {
        "generation": base.generation,
        "begins": base.begins,
        "as_of": base.as_of,
        "sequence": base.sequence,
        "available": to_limbs(base.available),
        "lasts": base.lasts,
        "spent": {name: to_limbs_at_least(spent) for name, spent in base.spent.items()},
        "lease": to_limbs(base.lease) if base.lease is not None else None,
        "lease_lasts": base.lease_lasts,
    }
