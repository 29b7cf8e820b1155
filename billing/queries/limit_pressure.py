"""Customers that outgrow their tier: what was refused, and what would relieve it.

Refusals are those that are added up; peaks are of the calls that were made. Nothing
here writes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from django.db.models import Count, Max, Q, Sum

from billing.models import Customer, LimitName, Plan, RefusalRollup, UsageEvent
from billing.models.refusals import CAPS, RATES
from billing.pricing.tier_proposals import (
    Demand,
    Pressed,
    Tier,
    Traffic,
    demand_of,
    propose_tier,
)
from billing.queries.limit_simulation import limits_of
from billing.queries.peaks import MOST_CALLS, Peaks, find_peaks
from ledger.money import WIDE, ZERO, total
from ratelimits.simulating import Limits, Rates

# A page of more customers would say no more.
MOST_CUSTOMERS: Final = 50
_CREDITS = (LimitName.ACCOUNT_CREDITS, LimitName.CREDIT_LIMIT)
_HUNDREDTH = Decimal("0.01")


class _Refused(NamedTuple):
    """What one limit refused of one model's calls, in all and in the worst hour."""

    customer_id: int
    model: str
    limit: str
    refusals: int
    tokens: Decimal
    amount: Decimal
    worst_refusals: int
    worst_tokens: Decimal


@dataclass(frozen=True, slots=True)
class LimitPressure:
    """One customer's calls of a time: made and refused, and the tier it may need."""

    customer: Customer
    limits: Limits
    calls: int
    refused: Sequence[_Refused]
    peaks: Peaks
    tier: Tier | None = None

    def count(self, *limits: str) -> int:
        """Return how many calls these limits refused."""
        return sum(each.refusals for each in self.refused if each.limit in limits)

    @property
    def refused_by_credits(self) -> int:
        """How many calls had no credits, or were beyond the credit limit."""
        return self.count(*_CREDITS)

    @property
    def refused_by_caps(self) -> int:
        """How many calls were beyond a cap."""
        return self.count(*CAPS)

    @property
    def refused_by_rates(self) -> int:
        """How many calls a higher tier might have let through."""
        return self.count(*RATES)

    @property
    def refusals(self) -> int:
        """How many calls were refused, by whatever limit."""
        return sum(each.refusals for each in self.refused)

    @property
    def share(self) -> Decimal:
        """The calls refused by rates in percent of all that were asked for."""
        asked = self.calls + self.refusals
        percent = WIDE.divide(Decimal(100 * self.refused_by_rates), Decimal(asked))
        return percent.quantize(_HUNDREDTH)

    @property
    def binding(self) -> tuple[Traffic, Rates | None]:
        """The busiest minutes within the limit that they came closest to, and it."""
        made = Demand(self.peaks.by_model, self.peaks.together)
        each = [(made.of(self.limits, name), self.limits[name]) for name in self.limits]
        nearest = max(each, key=lambda pair: _nearness(*pair), default=None)
        return nearest or (self.peaks.together, None)

    @property
    def tokens(self) -> Decimal:
        """The tokens that refused calls asked for."""
        return total(each.tokens for each in self.refused)

    @property
    def amount(self) -> Decimal:
        """What refused calls would have cost, by their estimates."""
        return total(each.amount for each in self.refused)

    @property
    def rates_amount(self) -> Decimal:
        """What the calls would have cost that rates refused."""
        return total(each.amount for each in self.refused if each.limit in RATES)

    @property
    def fee_difference(self) -> Decimal:
        """What the proposed tier costs more in a month."""
        if self.tier is None:
            return ZERO
        return WIDE.subtract(self.tier.fee, self.customer.plan.monthly_fee)

    @property
    def revenue(self) -> Decimal:
        """The fee's difference, and what rates refused, which the tier lets through."""
        if self.tier is None:
            return ZERO
        return WIDE.add(self.fee_difference, self.rates_amount)


def list_pressure(*, start: datetime, end: datetime) -> list[LimitPressure]:
    """Return the customers with most refusals, those that rates press most first.

    Hours are whole. Peaks are of each customer's latest calls, if it made very many.
    """
    refused = _list_refused(start, end)
    customers = _get_customers(refused)
    calls = _count_calls(customers, start, end)
    tiers = list_tiers()
    share = MOST_CALLS // max(1, len(customers))
    found = [
        _press(
            customer,
            calls.get(customer.pk, 0),
            refused[customer.pk],
            find_peaks(customer, start=start, end=end, most=share),
            tiers,
        )
        for customer in customers
    ]
    return sorted(
        found,
        key=lambda each: (-each.share, -each.refusals, each.customer.external_id),
    )


def list_tiers() -> list[Tier]:
    """Return every plan as a tier, in the order of their codes."""
    plans = Plan.objects.select_related("rate_limit_policy")
    return [
        tier_of(plan)
        for plan in plans.prefetch_related("rate_limit_policy__limits").order_by("code")
    ]


def tier_of(plan: Plan) -> Tier:
    """Return a plan as a tier."""
    limits = limits_of(plan.rate_limit_policy)
    return Tier(plan.code, plan.name, plan.currency, plan.monthly_fee, limits)


def _press(
    customer: Customer,
    calls: int,
    refused: Sequence[_Refused],
    peaks: Peaks,
    tiers: Iterable[Tier],
) -> LimitPressure:
    now = tier_of(customer.plan)
    pressed = _pressed(refused)
    tier = None
    if any(each.requests or each.tokens for each in pressed.values()):
        demand = _demand(peaks, pressed, now.limits)
        tier = propose_tier(now, tiers, demand)
    return LimitPressure(customer, now.limits, calls, refused, peaks, tier)


def _demand(peaks: Peaks, pressed: Mapping[str, Pressed], limits: Limits) -> Demand:
    return demand_of(peaks.by_model, peaks.together, pressed, limits)


def _pressed(refused: Iterable[_Refused]) -> dict[str, Pressed]:
    """Return the worst hours of each model, of what limits per minute refused."""
    found: dict[str, Pressed] = {}
    for each in refused:
        before = found.get(each.model, Pressed())
        if each.limit == LimitName.REQUESTS:
            found[each.model] = before._replace(requests=each.worst_refusals)
        elif each.limit == LimitName.TOKENS:
            found[each.model] = before._replace(tokens=int(each.worst_tokens))
    return found


def _list_refused(start: datetime, end: datetime) -> dict[int, list[_Refused]]:
    rows = RefusalRollup.objects.filter(hour__gte=_hour_of(start), hour__lt=end)
    pressed = rows.values("customer_id").annotate(
        by_rates=Sum("refusals", filter=Q(limit__in=RATES), default=0),
        all=Sum("refusals"),
    )
    worst = pressed.order_by("-by_rates", "-all", "customer_id")[:MOST_CUSTOMERS]
    found: defaultdict[int, list[_Refused]] = defaultdict(list)
    chosen = rows.filter(customer__in=[each["customer_id"] for each in worst])
    for row in chosen.values_list("customer_id", "model", "limit").annotate(
        Sum("refusals"),
        Sum("tokens"),
        Sum("amount"),
        Max("refusals"),
        Max("tokens"),
    ):
        found[row[0]].append(_Refused(*row))
    return found


def _get_customers(refused: Mapping[int, object]) -> list[Customer]:
    customers = Customer.objects.filter(pk__in=refused.keys())
    return list(
        customers.select_related("plan__rate_limit_policy")
        .prefetch_related("plan__rate_limit_policy__limits")
        .order_by("pk")
    )


def _count_calls(
    customers: Sequence[Customer], start: datetime, end: datetime
) -> dict[int, int]:
    events = UsageEvent.objects.filter(
        customer__in=customers, occurred_at__gte=start, occurred_at__lt=end
    )
    return dict(events.values_list("customer").annotate(Count("pk")))


def _nearness(traffic: Traffic, rates: Rates) -> Fraction:
    """Return how much of a limit the busiest minutes are."""
    return max(
        Fraction(traffic.requests, rates.rpm) if rates.rpm else Fraction(),
        Fraction(traffic.tokens, rates.tpm) if rates.tpm else Fraction(),
    )


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
