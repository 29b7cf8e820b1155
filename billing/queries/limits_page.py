"""What a customer sees of its limits: what is used now, and what was refused.

Nothing here writes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from billing.models import Customer
from billing.pricing.tier_proposals import Tier
from billing.queries.callers import Caller, get_caller
from billing.queries.limit_pressure import list_tiers, tier_of
from billing.queries.refusals import Refused, RefusedHour, list_recent_refusals
from ratelimits import limiter
from ratelimits.amounts import from_limbs
from ratelimits.bucket import Bucket
from ratelimits.messages import Limit, Used
from ratelimits.server import GateUnavailableError
from ratelimits.simulating import OTHERS

RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LimitUse:
    """One limit and what is used of it now; nothing is known while the gate is away."""

    name: str
    size: int
    used: int | None

    @property
    def remaining(self) -> int | None:
        """What may be used at once."""
        return None if self.used is None else max(0, self.size - self.used)


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """The limits of a model, or of all that have none of their own."""

    model: str
    uses: Sequence[LimitUse]


@dataclass(frozen=True, slots=True)
class LimitsPage:
    """A customer's tier, its limits now, recent refusals, and the tiers above."""

    as_of: datetime
    tier: Tier
    limits: Sequence[ModelLimits]
    # What calls in flight hold, in credits, if the gate says.
    held: Decimal | None
    refusals: Sequence[RefusedHour]
    higher: Sequence[Tier]

    @property
    def has_one_limit(self) -> bool:
        """Whether all models share their limits."""
        return len(self.limits) == 1

    @property
    def refused(self) -> Refused:
        """All refusals that are shown, as one sum."""
        return Refused(refusals=sum(each.refusals for each in self.refusals))


def get_limits_page(*, customer: Customer, at: datetime) -> LimitsPage:
    """Return what is used of a customer's limits now, and what they refused."""
    caller, tier = get_caller(customer.external_id), tier_of(customer.plan)
    limits = sorted(caller.limits.values(), key=lambda limit: limit.bucket)
    used, held = _look(caller, limits)
    return LimitsPage(
        as_of=at,
        tier=tier,
        limits=[
            ModelLimits(limit.bucket, list(_uses(limit, each)))
            for limit, each in zip(limits, used, strict=True)
        ],
        held=held,
        refusals=list_recent_refusals(customer, at - RECENT),
        higher=sorted(
            (each for each in list_tiers() if _is_higher(each, tier)),
            # What is dedicated is agreed on, whatever the fee is.
            key=lambda each: (not each.limits, each.fee, each.code),
        ),
    )


def _look(
    caller: Caller, limits: Sequence[Limit]
) -> tuple[Sequence[Used | None], Decimal | None]:
    try:
        view = limiter.look(caller.reference, limits)
    except GateUnavailableError:
        return [None] * len(limits), None
    return view.buckets, from_limbs(view.held)


def _uses(limit: Limit, used: Used | None) -> Iterator[LimitUse]:
    if limit.rpm is not None:
        taken = used.requests if used else None
        yield LimitUse("Requests per minute", limit.rpm, _whole(taken, limit.rpm))
    if limit.tpm is not None:
        taken = used.tokens if used else None
        yield LimitUse("Tokens per minute", limit.tpm, _whole(taken, limit.tpm))
    if limit.calls is not None:
        yield LimitUse("Calls at once", limit.calls, used.calls if used else None)


def _whole(used: int | None, size: int) -> int | None:
    """Return the whole units of a limit that may not be taken now."""
    return None if used is None else size - Bucket(used=used).remaining(size)


def _is_higher(tier: Tier, now: Tier) -> bool:
    """Tell whether a tier lets more through of every model than a customer's does."""
    if tier.currency != now.currency or not now.limits:
        return False
    shared, own = tier.limits.get(OTHERS), now.limits.get(OTHERS)
    if not tier.limits:
        return True
    if shared is None or own is None:
        return False
    return (shared.rpm or 0) > (own.rpm or 0) and (shared.tpm or 0) > (own.tpm or 0)
