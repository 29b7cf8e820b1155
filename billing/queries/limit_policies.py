"""Rate limit policies and who is on them. Nothing here writes."""

from dataclasses import dataclass

from django.db.models import Count, QuerySet

from billing.queries.limit_simulation import limits_of
from ratelimits.models import RateLimitPolicy
from ratelimits.simulating import Limits


@dataclass(frozen=True, slots=True)
class PolicyUse:
    """A policy, its limits, and how many customers are on plans with it."""

    policy: RateLimitPolicy
    limits: Limits
    customers: int


def count_customers(
    policies: QuerySet[RateLimitPolicy],
) -> QuerySet[RateLimitPolicy]:
    """Return policies with the number of their customers, as `customers`."""
    return policies.annotate(customers=Count("plan__customers"))


def list_policy_uses() -> list[PolicyUse]:
    """Return all policies, those with most customers first."""
    policies = count_customers(RateLimitPolicy.objects.prefetch_related("limits"))
    uses = [
        PolicyUse(each, limits_of(each), each.customers)  # type: ignore[attr-defined]
        for each in policies.order_by("code")
    ]
    return sorted(uses, key=lambda each: -each.customers)
