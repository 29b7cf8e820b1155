"""All that a card can say is stored, read back and charged."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from billing.models import Charge, UsageEvent
from billing.pricing.card import Card
from billing.pricing.yaml_form import format_card, parse_card
from billing.queries.cards import load_card
from billing.queries.explaining import explain_charge
from billing.services.rate_cards import create_rate_card, draft_version
from tests import audit, make
from tests.billing.pricing.period_strategies import period_cards

pytestmark = pytest.mark.django_db

EVERYTHING = """\
model: text-gen-v3
minimum_usd: 0.01
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.003
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.0015
    when:
      service_class: [batch, flex]
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.002
    when:
      hours: 22:00-04:00
      weekdays: mon-fri
  - dimension: output_tokens
    unit: 1000 tokens
    price_usd: 0.012
  - dimension: images
    unit: 1 image
    per_period: graduated
    free_per_period: 2
    tiers:
      - up_to: 10
        price_usd: 0.50
        flat_usd: 1
      - price_usd: 0.4
  - dimension: pages
    unit: 100 pages
    per_period: package
    price_usd: 3
  - dimension: context_window
    tiers:
      - below_tokens: 8192
        multiplier: 1
      - max_tokens: 32768
        multiplier: 1.8
      - multiplier: 3.20
---
model: "*"
rates:
  - dimension: seconds
    unit: 60 seconds
    per_period: volume
    tiers:
      - up_to: 100.5
        price_usd: 0.6
      - price_usd: 0.3
"""


@pytest.fixture(autouse=True)
def _customer() -> None:
    make.customer(credits="1000", plan=make.plan(card=make.rate_card(EVERYTHING)))


def cost(key: str, **properties: Any) -> Decimal:
    [outcome] = make.record(make.event(key, **properties))
    assert outcome.cost is not None, outcome
    return outcome.cost


def sentences() -> list[str]:
    charges = Charge.objects.select_related("rate__version__rate_card")
    return [explain_charge(charge) for charge in charges.order_by("pk")]


def stored(card: Card) -> Card:
    version = draft_version(
        rate_card=create_rate_card(
            code=f"c-{make.unique()}", name="C", currency=card.currency
        ),
        card=card,
    )
    return load_card(version.pk)


def test_a_card_is_read_back_to_the_letter() -> None:
    assert format_card(stored(parse_card(EVERYTHING))) == EVERYTHING


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(period_cards())
def test_any_card_is_read_back_as_it_was(card: Card) -> None:
    assert stored(card) == card


def test_the_rate_of_a_condition_is_charged() -> None:
    amount = cost("a", input_tokens=10_000, output_tokens=0, service_class="flex")

    assert amount == Decimal("0.0015") * 10 * Decimal("1.8")
    assert audit.differences() == []


def test_the_rate_of_the_hour_is_charged() -> None:
    monday_night = datetime.fromisoformat("2026-11-09T23:00:00Z")

    [outcome] = make.record(
        make.event(occurred_at=monday_night, input_tokens=8000, output_tokens=1000)
    )

    assert outcome.cost == Decimal("0.016") + Decimal("0.012")


def test_a_bound_below_does_not_hold_its_own_context() -> None:
    below = cost("a", input_tokens=8191, output_tokens=0)
    at = cost("b", input_tokens=8192, output_tokens=0)

    assert below == Decimal("0.024573")
    assert at == Decimal("0.024576") * Decimal("1.8")


def test_the_last_band_has_no_end() -> None:
    amount = cost("a", input_tokens=10**9, output_tokens=0)

    assert amount == 3000 * Decimal("3.2")


def test_a_cheap_call_is_lifted_to_the_least() -> None:
    assert cost("a", input_tokens=1, output_tokens=0) == Decimal("0.01")
    assert sentences() == [
        "1 input_tokens at $0.003 per 1,000 tokens = $0.000003.",
        "0 output_tokens at $0.012 per 1,000 tokens = $0.00.",
        "$0.009997 more, up to the least that a call costs.",
    ]
    assert audit.differences() == []


def test_tiers_are_explained_part_by_part() -> None:
    cost("a", input_tokens=0, output_tokens=0, images=15, pages=120)

    assert sentences()[2:] == [
        "2 images of those that the period has free = $0.00.",
        "10 images at $0.50 per image (tier 1) + $1.00 once in the period = $6.00.",
        "3 images at $0.40 per image (tier 2) = $1.20.",
        "120 pages begin 2 packages of 100 pages at $3.00 = $6.00.",
    ]
    assert audit.differences() == []


def test_a_default_price_has_its_charges_on_the_call() -> None:
    cost("a", model="unheard-of", seconds=90, input_tokens=0, output_tokens=0)

    assert "90 seconds at $0.60 per 60 seconds (tier 1) = $0.90." in sentences()
    assert audit.differences() == []


def test_the_version_of_the_calls_own_time_counts() -> None:
    cost("a")
    event = UsageEvent.objects.get()

    assert event.version_id
    assert event.occurred_at == make.NOW
    assert event.recorded_at - event.occurred_at < timedelta(days=4000)


def test_a_name_that_cannot_be_stored_is_no_model_of_the_default_price() -> None:
    properties: dict[str, Any] = {"seconds": 90, "input_tokens": 0, "output_tokens": 0}

    long, short = make.record(
        make.event("a", **properties, model="m" * 201),
        make.event("b", **properties, model="m" * 200),
    )

    assert (long.code, short.cost) == ("unknown_model", Decimal("0.9"))
