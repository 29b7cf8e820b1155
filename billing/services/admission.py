"""Admitting calls: rates, credits and caps in one answer, all or nothing.

The gate in Redis decides. While it does not answer, credits are decided by PostgreSQL
and rates by each process: see `services.outage`.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from billing.models import CallHold, LimitName
from billing.queries.admission import (
    Call,
    CapUse,
    Rates,
    Verdict,
    estimate_call,
    list_binding,
)
from billing.queries.callers import Caller, keep
from billing.services import outage
from billing.services.leases import read_base, sum_leased, take_lease
from billing.services.outage import HeldElsewhereError, RequestIdTakenError
from billing.services.refusals import note_refusal
from ledger.money import WIDE, ZERO
from ratelimits import limiter
from ratelimits.amounts import from_limbs
from ratelimits.messages import Answer, Ask, Base, CapAsk, Status
from ratelimits.server import GateUnavailableError
from ratelimits.times import as_time

# Rounds of telling the gate what it lacks: others may use up a lease meanwhile.
_ROUNDS = 6
# A refusal is not founded on a balance that is older, in milliseconds.
_FRESH = 250


def admit_call(*, caller: Caller, call: Call, at: datetime) -> Verdict:
    """Say whether a call may run, and hold what it may cost if it may.

    Asking again by the same request id gives the same answer and holds nothing more,
    until it is refused or released. What is held is given back when its event comes, or
    by itself in the end.

    :raises UnratableError: if some part of it has no price.
    :raises RequestIdTakenError: if another call was admitted by this request id.
    :raises HeldElsewhereError: if the credits are held by calls that the gate forgot.
    """
    estimate = estimate_call(caller, call, at=at)
    ask = as_ask(caller, call, estimate, at=at)
    try:
        verdict = _as_verdict(caller, call, ask, _ask_gate(caller, ask, at), at)
    except GateUnavailableError:
        verdict = outage.admit_call(caller=caller, call=call, ask=ask, at=at)
    _note(caller, call, verdict, at)
    return verdict


def release_call(*, caller: Caller, request_id: str) -> None:
    """Give back what a call holds that will not run; doing it again changes nothing.

    Its tokens come back too; the request stays counted.
    """
    CallHold.objects.filter(customer=caller.account.id, request_id=request_id).delete()
    try:
        limiter.release(caller.reference, request_id)
    except GateUnavailableError:
        # It ends by itself.
        return


def extend_calls(
    *, caller: Caller, request_ids: Sequence[str], at: datetime
) -> datetime | None:
    """Let calls that still run hold their credits from now on again.

    Returns until when; nothing if none of them holds any.
    """
    outside = outage.extend_holds(caller=caller, request_ids=request_ids, at=at)
    try:
        ends = limiter.extend(caller.reference, request_ids)
        if ends < 0:
            base = _prolong_lease(caller, at)
            ends = limiter.extend(caller.reference, request_ids, base=base)
    except GateUnavailableError:
        return outside
    return as_time(ends) if ends > 0 else outside


def _prolong_lease(caller: Caller, at: datetime) -> Base:
    known = limiter.find_generations([caller.reference]).get(caller.reference)
    generation = known.generation if known else None
    base = take_lease(caller=caller, generation=generation, need=ZERO, at=at)
    return msgspec.structs.replace(base, as_of=known.now if known else None)


def as_ask(caller: Caller, call: Call, estimate: Decimal, *, at: datetime) -> Ask:
    """Return a call as the gate is asked about it."""
    zone = caller.account.zone
    return Ask(
        id=call.request_id,
        print=call.fingerprint,
        limit=caller.limit_for(call.model),
        tokens=call.tokens,
        cost=estimate,
        floor=caller.account.allowance.floor,
        caps=[
            CapAsk(cap.name(at, zone), cap.amount) for cap in list_binding(caller, call)
        ],
    )


def _ask_gate(caller: Caller, ask: Ask, at: datetime) -> Answer:
    """Ask until the gate has what it needs to say yes or no.

    :raises HeldElsewhereError: if it cannot be given it.
    """
    answer = limiter.admit(caller.reference, ask)
    for _ in range(_ROUNDS):
        if not _lacks(answer):
            return answer
        base = _tell(caller, ask, answer, at)
        answer = limiter.admit(caller.reference, ask, base=base)
    if answer.status == Status.REFUSED:
        return answer
    raise HeldElsewhereError(caller.reference)


def _lacks(answer: Answer) -> bool:
    """Tell whether the gate is to be told something before its answer counts."""
    if answer.status in (Status.STALE, Status.UNLEASED):
        return True
    is_refused = answer.status == Status.REFUSED
    by_money = is_refused and not {"credits", "cap"}.isdisjoint(answer.refused)
    return by_money and (answer.age or 0) > _FRESH


def _is_held_elsewhere(caller: Caller, ask: Ask, answer: Answer, at: datetime) -> bool:
    """Tell whether nothing refuses it but a lease of calls that the gate forgot."""
    if list(answer.refused) != ["credits"] or not answer.available:
        return False
    leased = _sum_lost(caller.account.id, answer.generation, at)
    left = WIDE.subtract(from_limbs(answer.available), from_limbs(answer.held))
    return WIDE.add(left, leased) >= WIDE.add(ask.cost, ask.floor or ZERO)


def _sum_lost(customer_id: int, generation: int | None, at: datetime) -> Decimal:
    # Kept a moment: whoever has no credits may go on asking.
    lost: Decimal = keep(
        ("lost", customer_id, generation),
        lambda: sum_leased(customer_id, at=at, but=generation),
    )
    return lost


def _tell(caller: Caller, ask: Ask, answer: Answer, at: datetime) -> Base:
    generation = answer.generation
    if answer.status == Status.UNLEASED:
        need = WIDE.add(from_limbs(answer.held), ask.cost)
        base = take_lease(caller=caller, generation=generation, need=need, at=at)
    else:
        base = read_base(caller=caller, generation=generation, at=at)
    return msgspec.structs.replace(base, as_of=answer.now)


def _as_verdict(
    caller: Caller, call: Call, ask: Ask, answer: Answer, at: datetime
) -> Verdict:
    if answer.status == Status.CONFLICT:
        raise RequestIdTakenError(call.request_id)
    if _is_held_elsewhere(caller, ask, answer, at):
        raise HeldElsewhereError(caller.reference)
    cap = _cap_use(caller, call, answer, at)
    held = from_limbs(answer.held)
    available = from_limbs(answer.available or (0, 0))
    left = WIDE.subtract(available, held)
    is_admitted = answer.status != Status.REFUSED
    return Verdict(
        estimate=ask.cost,
        currency=caller.account.currency,
        available=available,
        held=held,
        spendable=caller.account.allowance.spendable(left),
        refused=[_source(caller, name, cap) for name in answer.refused],
        cap=cap,
        warning=caller.account.allowance.find_warning(left) if is_admitted else None,
        rates=_rates(ask, answer),
        tokens=ask.tokens,
        expires_at=as_time(answer.expires) if answer.expires else None,
        is_repeat=answer.status == Status.REPEATED,
    )


def _note(caller: Caller, call: Call, verdict: Verdict, at: datetime) -> None:
    """Count a refusal, for those who look for customers that outgrow their limits."""
    if verdict.limit_source:
        note_refusal(
            customer_id=caller.account.id,
            model=call.model,
            limit=str(verdict.limit_source),
            tokens=verdict.tokens,
            amount=verdict.estimate,
            at=at,
        )


def _cap_use(caller: Caller, call: Call, answer: Answer, at: datetime) -> CapUse | None:
    """Return the cap that refuses a call, if one does."""
    if answer.cap is None:
        return None
    cap = list_binding(caller, call)[answer.cap - 1]
    ends = cap.window(at, caller.account.zone).end
    return CapUse(cap, from_limbs(answer.spent), from_limbs(answer.cap_held), ends)


def _source(caller: Caller, name: str, cap: CapUse | None) -> LimitName:
    if name == "credits":
        return caller.account.allowance.limit_source
    return cap.limit_source if name == "cap" and cap else LimitName(name)


def _rates(ask: Ask, answer: Answer) -> Rates:
    return Rates(
        limit=ask.limit,
        now=answer.now,
        requests=answer.requests or 0,
        tokens=answer.tokens or 0,
        calls=answer.calls,
    )
