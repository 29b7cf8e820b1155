"""Telling the gate what it may hold, and what PostgreSQL says of a customer's credits.

The gate never holds more than its lease, which PostgreSQL keeps: so what is admitted
without the gate, or by a gate that has forgotten its calls, is never spent twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Least

from billing.models import CallHold, GateLease
from billing.queries.admission import CapUse
from billing.queries.callers import Caller
from billing.queries.caps import Cap, read_spent
from ledger.burn_down import find_next_change
from ledger.money import WIDE, ZERO, exact_up, total
from ledger.posting import OpenWallet, lock_wallets
from ledger.queries import Position, get_position
from ratelimits import limiter
from ratelimits.limiter import GRACE
from ratelimits.messages import Base

# A lease outlasts the holds made in its first half.
_HOLDS_LONG = 2
# How much more is leased than is needed now, so that more calls at once need no other.
_HEADROOM = Decimal(4)
# How old a balance may grow before it is read again.
_MOST_AGE = timedelta(seconds=2)
_MILLISECOND = timedelta(milliseconds=1)
_GRACE = timedelta(milliseconds=GRACE)


@transaction.atomic
def take_lease(
    *, caller: Caller, generation: int | None, need: Decimal, at: datetime
) -> Base:
    """Let the gate hold at least this much in all, as far as the credits go.

    A gate without a generation has forgotten what it held: it begins anew beside what
    it had leased, which stands until the last of those calls has ended.

    :raises GateUnavailableError: if Redis does not answer in time.
    """
    account = caller.account
    wallet = lock_wallets([account.wallet_id])[account.wallet_id]
    lease = _find_lease(account.id, generation, at) or _find_newer(caller, at)
    own = lease.pk if lease else None
    if lease is None:
        _shorten_leases(account.id, at)
    position, reserved = _position(wallet, at), _reserve(account.id, own, at)
    wanted = WIDE.multiply(need, _HEADROOM)
    if account.allowance.floor is not None:
        left = WIDE.subtract(position.available, reserved.total)
        room = account.allowance.spendable(left)
        wanted = min(wanted, max(room, ZERO))
    lasts = _HOLDS_LONG * timedelta(seconds=settings.HOLD_SECONDS) + _GRACE
    saved = _save_lease(lease, account.id, wanted, at + lasts)
    base = _base(caller, position, reserved, at=at)
    base = msgspec.structs.replace(base, generation=saved.pk)
    if lease is None:
        # Under the lock, so that no two begin; the lease counts once it is committed.
        limiter.begin(caller.reference, base)
    return msgspec.structs.replace(
        base, lease=saved.amount, lease_lasts=lasts // _MILLISECOND
    )


def read_base(*, caller: Caller, generation: int | None, at: datetime) -> Base:
    """Return what a customer's credits are, for a gate that holds none of them yet.

    Without a generation it begins one that leases nothing: for whom credits refuse no
    call.
    """
    account = caller.account
    position = get_position(wallet_id=account.wallet_id, at=at)
    reserved = _reserve(account.id, generation, at)
    base = _base(caller, position, reserved, at=at)
    return msgspec.structs.replace(
        base, generation=generation or 0, begins=generation is None
    )


def sum_leased(customer_id: int, *, at: datetime, but: int | None = None) -> Decimal:
    """Return what gates may hold of a customer's credits, but for one lease."""
    leases = GateLease.objects.filter(customer=customer_id, expires_at__gt=at)
    return total(leases.exclude(pk=but or 0).values_list("amount", flat=True))


def sum_held(customer_id: int, *, at: datetime) -> Decimal:
    """Return what calls hold that were admitted without the gate."""
    return total(_held(customer_id, at).values_list("amount", flat=True))


def list_uses(caller: Caller, caps: Sequence[Cap], *, at: datetime) -> list[CapUse]:
    """Return what is spent of some of a customer's caps, and held without the gate."""
    account = caller.account
    if not caps:
        return []
    spent = read_spent(customer_id=account.id, caps=caps, at=at, zone=account.zone)
    holds = list(_held(account.id, at).only("amount", "api_key_id", "model"))
    return [
        CapUse(
            cap,
            spent[cap.id],
            total(
                hold.amount
                for hold in holds
                if cap.binds(api_key_id=hold.api_key_id, model=hold.model)
            ),
            cap.window(at, account.zone).end,
        )
        for cap in caps
    ]


def _held(customer_id: int, at: datetime) -> QuerySet[CallHold]:
    return CallHold.objects.filter(customer=customer_id, expires_at__gt=at)


@dataclass(frozen=True, slots=True)
class _Reserved:
    """What is reserved of a customer's credits beside one lease."""

    leased: Decimal
    held: Decimal

    @property
    def total(self) -> Decimal:
        return WIDE.add(self.leased, self.held)


def _reserve(customer_id: int, generation: int | None, at: datetime) -> _Reserved:
    leased = sum_leased(customer_id, at=at, but=generation)
    return _Reserved(leased, sum_held(customer_id, at=at))


def _find_lease(
    customer_id: int, generation: int | None, at: datetime
) -> GateLease | None:
    leases = GateLease.objects.filter(customer=customer_id, expires_at__gt=at)
    return leases.filter(pk=generation or 0).first()


def _find_newer(caller: Caller, at: datetime) -> GateLease | None:
    """Return the lease of a generation that began while this waited for the lock."""
    known = limiter.find_generations([caller.reference]).get(caller.reference)
    return _find_lease(caller.account.id, known.generation, at) if known else None


def _shorten_leases(customer_id: int, at: datetime) -> None:
    """Let the leases of a gate that forgot its calls end with the last of these."""
    ends = at + timedelta(seconds=settings.HOLD_SECONDS) + _GRACE
    leases = GateLease.objects.filter(customer=customer_id)
    leases.filter(expires_at__lte=at).delete()
    leases.update(expires_at=Least("expires_at", ends))


def _save_lease(
    lease: GateLease | None, customer_id: int, wanted: Decimal, ends: datetime
) -> GateLease:
    """Store a lease, or let one last longer; it never shrinks: calls may hold it."""
    if lease is None:
        return GateLease.objects.create(
            customer_id=customer_id, amount=exact_up(wanted), expires_at=ends
        )
    lease.amount = max(lease.amount, exact_up(wanted))
    lease.expires_at = ends
    lease.save(update_fields=["amount", "expires_at"])
    return lease


def _position(wallet: OpenWallet, at: datetime) -> Position:
    changes_at = find_next_change(wallet.lots, at)
    return Position(wallet.sequence, wallet.available(at), changes_at)


def _base(
    caller: Caller, position: Position, reserved: _Reserved, *, at: datetime
) -> Base:
    lasts, zone = _MOST_AGE, caller.account.zone
    if position.changes_at:
        lasts = min(lasts, position.changes_at - at)
    return Base(
        generation=0,
        sequence=position.sequence,
        available=WIDE.subtract(position.available, reserved.total),
        # For this one answer at least.
        lasts=max(1, lasts // _MILLISECOND),
        # Of what a lost gate may hold, nobody knows which caps it counts against.
        spent={
            use.cap.name(at, zone): total([use.spent, use.held, reserved.leased])
            for use in list_uses(caller, caller.caps, at=at)
        },
    )
