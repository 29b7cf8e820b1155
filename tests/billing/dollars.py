"""Customers to whom each token costs a dollar, of either kind."""

from typing import Any

from billing.models import Customer
from billing.models.plans import AtZero, Mode
from billing.services.events import PostedEvent
from tests import make

MODEL = "dollar-token"
CARD = f"""\
model: {MODEL}
rates:
  - dimension: input_tokens
    unit: 1 token
    price_usd: 1
  - dimension: output_tokens
    unit: 1 token
    price_usd: 1
"""
# Every kind of plan that asks for money where credits end.
BILLS = [
    (Mode.POSTPAID, AtZero.BLOCK),
    (Mode.POSTPAID, AtZero.WARN),
    (Mode.HYBRID, AtZero.BLOCK),
    (Mode.HYBRID, AtZero.WARN),
    (Mode.PREPAID, AtZero.OVERAGE),
]


def customer(
    mode: Mode = Mode.PREPAID,
    at_zero: AtZero = AtZero.BLOCK,
    *,
    credits: str = "5",
    credit_limit: str = "20",
) -> Customer:
    """Make a customer with five credits, and a limit of twenty where it counts."""
    plan = make.plan(card=make.rate_card(CARD), mode=mode, at_zero=at_zero)
    return make.customer(plan=plan, credits=credits, credit_limit=credit_limit)


def use(dollars: int, key: str = "req_1", **more: Any) -> PostedEvent:
    """Return the event of a call that costs that much."""
    return make.event(key, model=MODEL, input_tokens=0, output_tokens=dollars, **more)
