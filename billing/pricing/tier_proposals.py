"""Own the choice of the tier that would have been enough for a customer's traffic."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from ratelimits.simulating import OTHERS, Limits

_MINUTES: Final = 60


class Traffic(NamedTuple):
    """Requests and tokens in a minute."""

    requests: int = 0
    tokens: int = 0


class Pressed(NamedTuple):
    """The most that requests and tokens per minute refused in an hour.

    Tokens are those of the calls that the limit on tokens refused.
    """

    requests: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Tier:
    """A plan as a proposal sees it; without limits, its capacity is dedicated."""

    code: str
    name: str
    currency: str
    fee: Decimal
    limits: Limits


@dataclass(frozen=True, slots=True)
class Demand:
    """The busiest minutes of each model, and of all models together."""

    by_model: Mapping[str, Traffic]
    together: Traffic

    def of(self, limits: Limits, name: str) -> Traffic:
        """Return the most that one limit of several would have to let through.

        Models that share a limit are not all busy in the same minute: it is no more
        than all models together were.
        """
        models = [
            traffic
            for model, traffic in self.by_model.items()
            if (model if model in limits else OTHERS) == name
        ]
        return Traffic(
            min(sum(each.requests for each in models), self.together.requests),
            min(sum(each.tokens for each in models), self.together.tokens),
        )


def demand_of(
    peaks: Mapping[str, Traffic],
    together: Traffic,
    pressed: Mapping[str, Pressed],
    limits: Limits,
) -> Demand:
    """Return what the traffic would have been if nothing had been refused.

    What was refused is spread over its hour, and what a limit refused was more than the
    limit, whatever the minutes say.
    """
    by_model = {
        model: _wanted(
            peaks.get(model, Traffic()), pressed.get(model, Pressed()), limits, model
        )
        for model in peaks.keys() | pressed.keys()
    }
    all_pressed = Pressed(
        sum(each.requests for each in pressed.values()),
        sum(each.tokens for each in pressed.values()),
    )
    spread = _spread(together, all_pressed)
    # No less than any model alone.
    return Demand(
        by_model,
        Traffic(
            max([spread.requests, *(each.requests for each in by_model.values())]),
            max([spread.tokens, *(each.tokens for each in by_model.values())]),
        ),
    )


def _spread(peak: Traffic, pressed: Pressed) -> Traffic:
    return Traffic(
        peak.requests - -pressed.requests // _MINUTES,
        peak.tokens - -pressed.tokens // _MINUTES,
    )


def _wanted(peak: Traffic, pressed: Pressed, limits: Limits, model: str) -> Traffic:
    wanted = _spread(peak, pressed)
    rates = limits.get(model, limits.get(OTHERS))
    if rates is None:
        return wanted
    return Traffic(
        max(wanted.requests, (rates.rpm or 0) + 1 if pressed.requests else 0),
        max(wanted.tokens, (rates.tpm or 0) + 1 if pressed.tokens else 0),
    )


def fits(limits: Limits, demand: Demand) -> bool:
    """Tell whether limits would have let all of it through."""
    for name, rates in limits.items():
        traffic = demand.of(limits, name)
        if rates.rpm is not None and traffic.requests > rates.rpm:
            return False
        if rates.tpm is not None and traffic.tokens > rates.tpm:
            return False
    return True


def propose_tier(now: Tier, tiers: Iterable[Tier], demand: Demand) -> Tier | None:
    """Return the cheapest tier that would have been enough, and costs no less than now.

    Dedicated capacity, whose fee is often agreed on, is the last resort. None if the
    customer has it already, or nothing is enough.
    """
    if not now.limits:
        return None
    enough = [
        tier
        for tier in tiers
        if tier.code != now.code
        and tier.currency == now.currency
        and (tier.fee >= now.fee or not tier.limits)
        and fits(tier.limits, demand)
    ]
    order = [(not tier.limits, tier.fee, tier.code) for tier in enough]
    return enough[order.index(min(order))] if enough else None
