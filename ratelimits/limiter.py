"""Asking the gate in Redis: rates, credits and caps in one round trip.

Customers are known here only as opaque references. A Redis that does not answer within
its budget is left alone for a while: see `ratelimits.breaker`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from django.conf import settings

from ratelimits.messages import (
    Answer,
    Ask,
    Base,
    Known,
    Limit,
    View,
    as_limbs,
    as_message,
)
from ratelimits.server import Command, function_call, run, run_all

# Milliseconds for which a hold still counts that has expired: the balance that it was
# held against may be that old.
GRACE = 10_000
_ANSWERS = msgspec.msgpack.Decoder(Answer)
_KNOWN = msgspec.msgpack.Decoder(Known)
_VIEWS = msgspec.msgpack.Decoder(View)


def admit(reference: str, ask: Ask, *, base: Base | None = None) -> Answer:
    """Take all that a call needs, or nothing.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    return _ANSWERS.decode(run(_command("admit", reference, as_message(ask), base)))


def settle(
    calls: Mapping[str, Iterable[tuple[str, int | None]]],
    *,
    bases: Mapping[str, Base],
) -> None:
    """End the holds of calls by what they used, as request id and tokens.

    Where tokens are not said, what was held for stands.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    run_all(
        _command("settle", reference, {"calls": list(used)}, bases.get(reference))
        for reference, used in calls.items()
    )


def begin(reference: str, base: Base) -> None:
    """Let a generation begin that holds nothing yet and leases nothing.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    begins = msgspec.structs.replace(base, begins=True)
    run(_command("settle", reference, {"calls": []}, begins))


def release(reference: str, request_id: str) -> bool:
    """Give back what a call holds that will not run; tell whether it held something.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    return bool(run(_command("release", reference, {"id": request_id})))


def extend(
    reference: str, request_ids: Sequence[str], *, base: Base | None = None
) -> int:
    """Let the holds of calls last from now on again.

    Returns when they end, 0 if none is open, or -1 if the lease ends before that.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    message = {"ids": list(request_ids)}
    return int(run(_command("extend", reference, message, base)))


def look(reference: str, limits: Sequence[Limit]) -> View:
    """Return what is used of some limits, and held, now.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    asked = [
        {"bucket": each.bucket, "rpm": each.rpm, "tpm": each.tpm} for each in limits
    ]
    return _VIEWS.decode(run(_command("look", reference, {"limits": asked})))


def find_generations(references: Sequence[str]) -> dict[str, Known]:
    """Return the generation of each customer that the gate knows.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    texts = run_all(_command("find", reference, {}) for reference in references)
    found = zip(references, map(_KNOWN.decode, texts), strict=True)
    return {
        reference: known for reference, known in found if known.generation is not None
    }


def _keys(reference: str) -> list[str]:
    # The hash tag keeps a customer's keys on one node of a cluster.
    names = ("state", "holds", "expiries", "rates")
    return [f"tollgate:{{{reference}}}:{name}" for name in names]


def _command(
    function: str, reference: str, message: dict[str, Any], base: Base | None = None
) -> Command:
    """Return a call of the gate, with what a hold lasts and, if given, a base."""
    lasts = {"ttl": int(settings.HOLD_SECONDS) * 1000, "grace": GRACE}
    told = {"base": as_limbs(base)} if base else {}
    text = msgspec.msgpack.encode(message | lasts | told)
    return function_call(function, _keys(reference), text)
