"""Admitting calls while the gate in Redis does not answer.

Credits are decided by PostgreSQL, closed: what the gate may hold stays reserved. Rates
are decided by each process, open within a bound.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from billing.models import CallHold, GateLease, LimitName
from billing.queries.admission import Call, CapUse, Verdict, list_binding
from billing.queries.callers import Caller
from billing.services.leases import list_uses, sum_held, sum_leased
from ledger.money import WIDE, exact_up
from ledger.posting import lock_wallets
from ratelimits.in_process import take_share
from ratelimits.messages import Ask
from ratelimits.times import as_milliseconds


class RequestIdTakenError(Exception):
    """Another call was admitted by the same request id."""


class HeldElsewhereError(Exception):
    """The credits would do, but calls that the gate has lost may still take them."""


def admit_call(*, caller: Caller, call: Call, ask: Ask, at: datetime) -> Verdict:
    """Say whether a call may run, as `services.admission` does.

    :raises RequestIdTakenError: if another call was admitted by this request id.
    :raises HeldElsewhereError: if the credits are held by calls of the gate.
    """
    refused = take_share(
        caller.reference, ask.limit, ask.tokens, at=as_milliseconds(at)
    )
    return hold_call(
        caller=caller,
        call=call,
        ask=ask,
        refused=[LimitName(name) for name in refused],
        at=at,
    )


@transaction.atomic
def hold_call(
    *,
    caller: Caller,
    call: Call,
    ask: Ask,
    refused: Sequence[LimitName],
    at: datetime,
) -> Verdict:
    """Hold a call's credits in PostgreSQL, unless a limit refuses it.

    :raises RequestIdTakenError: if another call was admitted by this request id.
    :raises HeldElsewhereError: if the credits are held by calls of the gate.
    """
    account = caller.account
    wallet = lock_wallets([account.wallet_id])[account.wallet_id]
    books = _Books(wallet.available(at), sum_held(account.id, at=at))
    before = _find_hold(account.id, call, at)
    if before:
        return _verdict(caller, ask, books, ends=before.expires_at, is_repeat=True)
    uses = list_uses(caller, list_binding(caller, call), at=at)
    cap = next((use for use in uses if use.left < ask.cost), None)
    refused = [*_refuse_money(caller, ask, books, cap), *refused]
    if refused:
        return _verdict(caller, ask, books, refused=refused, cap=cap)
    _require_unleased(caller, ask, books, uses, at)
    ends = _hold(account.id, call, ask.cost, at)
    return _verdict(caller, ask, books.after(ask.cost), ends=ends)


def extend_holds(
    *, caller: Caller, request_ids: Sequence[str], at: datetime
) -> datetime | None:
    """Let the holds of calls in PostgreSQL last from now on again; returns until when.

    Nothing if none of them holds any.
    """
    ends = _end_of_hold(at)
    holds = CallHold.objects.filter(
        customer=caller.account.id, request_id__in=request_ids, expires_at__gt=at
    )
    return ends if holds.update(expires_at=ends) else None


@transaction.atomic
def forget_holds(*, ended_before: datetime) -> int:
    """Delete the holds and leases that ended before an instant; returns how many."""
    holds, _ = CallHold.objects.filter(expires_at__lt=ended_before).delete()
    leases, _ = GateLease.objects.filter(expires_at__lt=ended_before).delete()
    return holds + leases


@dataclass(frozen=True, slots=True)
class _Books:
    """What is available to a customer, and held by calls in flight."""

    available: Decimal
    held: Decimal

    @property
    def left(self) -> Decimal:
        return WIDE.subtract(self.available, self.held)

    def after(self, cost: Decimal) -> "_Books":
        return _Books(self.available, WIDE.add(self.held, cost))


def _refuse_money(
    caller: Caller, ask: Ask, books: _Books, cap: CapUse | None
) -> Iterator[LimitName]:
    left = WIDE.subtract(books.left, ask.cost)
    if ask.floor is not None and left < ask.floor:
        yield caller.account.allowance.limit_source
    if cap:
        yield cap.limit_source


def _require_unleased(
    caller: Caller, ask: Ask, books: _Books, uses: Iterable[CapUse], at: datetime
) -> None:
    """Refuse what would do, were it not for what the gate may hold."""
    leased = WIDE.add(sum_leased(caller.account.id, at=at), ask.cost)
    rooms = [use.left for use in uses]
    if ask.floor is not None:
        rooms.append(WIDE.subtract(books.left, ask.floor))
    if any(room < leased for room in rooms):
        raise HeldElsewhereError(caller.reference)


def _find_hold(customer_id: int, call: Call, at: datetime) -> CallHold | None:
    holds = CallHold.objects.filter(customer=customer_id, expires_at__gt=at)
    hold = holds.filter(request_id=call.request_id).first()
    if hold and hold.fingerprint != call.fingerprint:
        raise RequestIdTakenError(call.request_id)
    return hold


def _hold(customer_id: int, call: Call, cost: Decimal, at: datetime) -> datetime:
    ends = _end_of_hold(at)
    # One that has ended may still be there.
    CallHold.objects.update_or_create(
        customer_id=customer_id,
        request_id=call.request_id,
        defaults={
            "fingerprint": call.fingerprint,
            "amount": exact_up(cost),
            "model": call.model,
            "api_key_id": call.api_key_id,
            "expires_at": ends,
        },
    )
    return ends


def _end_of_hold(at: datetime) -> datetime:
    return at + timedelta(seconds=settings.HOLD_SECONDS)


def _verdict(caller: Caller, ask: Ask, books: _Books, **told: Any) -> Verdict:
    allowance = caller.account.allowance
    return Verdict(
        estimate=ask.cost,
        currency=caller.account.currency,
        available=books.available,
        held=books.held,
        spendable=allowance.spendable(books.left),
        warning=None if "refused" in told else allowance.find_warning(books.left),
        tokens=ask.tokens,
        **{"expires_at": told.pop("ends", None)} | told,
    )
