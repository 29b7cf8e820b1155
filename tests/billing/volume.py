"""A month at a volume price, trued up."""

from zoneinfo import ZoneInfo

from billing.models import TrueUp
from billing.periods import period_containing
from billing.services.events import PostedEvent
from billing.services.true_ups import true_up_period
from tests import make

CARD = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    per_period: volume
    tiers:
      - up_to: 15
        price_usd: 10
      - price_usd: 5
"""


def true_up_a_month() -> list[TrueUp]:
    """Record calls of a customer of its own and true its month up."""
    plan = make.plan(card=make.rate_card(CARD))
    customer = make.customer(external_id="cus_volume", plan=plan)
    # The sixteenth image makes all of them cheaper.
    for count in (15, 1):
        make.record(_images(count, customer.external_id))
    month = period_containing(make.NOW, ZoneInfo("UTC"))
    make.close_period(month.end, customer=customer)
    return true_up_period(customer=customer, period=month, at=month.end)


def _images(count: int, customer: str) -> PostedEvent:
    return PostedEvent(
        customer=customer,
        idempotency_key=f"images-{count}",
        event_name="images",
        occurred_at=make.NOW,
        properties={"model": "m", "images": count},
    )
