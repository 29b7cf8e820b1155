"""Usage for tests of limits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.models import Customer, Plan
from billing.services.refusal_entries import Refusal
from billing.services.refusals import add_refusals
from ratelimits.models import RateLimit
from tests import make
from tests.make import NOW, unique


def called(customer: Customer, seconds: Sequence[int], **properties: Any) -> None:
    """Record a customer's calls, so many seconds after now."""
    events = [
        make.event(
            f"req_{unique()}",
            customer=customer.external_id,
            occurred_at=NOW + timedelta(seconds=each),
            **properties,
        )
        for each in seconds
    ]
    latest = NOW + timedelta(seconds=max(0, *seconds, 0))
    outcomes = make.record(*events, at=latest)
    assert {outcome.status for outcome in outcomes} == {"accepted"}


def refuse(
    customer: Customer, limit: str = "requests", *, times: int = 1, at: datetime = NOW
) -> None:
    """Count calls of 10 tokens, for half a credit each, as refused by a limit."""
    refusal = Refusal.of(
        customer_id=customer.pk,
        model="text-gen-v3",
        limit=limit,
        tokens=10,
        amount=Decimal("0.5"),
        at=at,
    )
    if times:
        add_refusals(refusals=[refusal] * times)


def plan_with(*, rpm: int, tpm: int, fee: str = "0", name: str = "") -> Plan:
    """Make a plan of these limits."""
    plan = make.plan(monthly_fee=fee)
    plan.rate_limit_policy = make.policy(rpm=rpm, tpm=tpm)
    plan.name = name or plan.name
    plan.save()
    return plan


def limit(customer: Customer, *, model: str = "", **sizes: int | None) -> None:
    """Change the limits of a customer's tier, or those of one model in it."""
    RateLimit.objects.update_or_create(
        policy=customer.plan.rate_limit_policy, model=model, defaults=sizes
    )
