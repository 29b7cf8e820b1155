"""Prices and terms that change while usage comes in price it as of its time."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing.models import Customer, RateCardVersion
from billing.pricing.yaml_form import parse_card
from billing.services.events import Outcome, PostedEvent
from billing.services.rate_cards import draft_version, publish_version
from billing.services.terms import agree_terms
from tests import audit, make
from tests.threads import run_behind

pytestmark = pytest.mark.django_db(transaction=True)
SEED_COST = Decimal("0.014232")
LATER = timedelta(seconds=30)


@pytest.fixture
def customer() -> Customer:
    return make.customer(credits="50")


def event(at: datetime) -> PostedEvent:
    return make.event(occurred_at=at)


def cost_behind(hold: object, at: datetime) -> Decimal:
    """Record an event while a transaction under way changes its price."""

    def record() -> list[Outcome]:
        return make.record(event(at), at=at)

    [[outcome]] = run_behind(hold, [record], commit=True)  # type: ignore[arg-type]
    assert outcome.cost is not None
    return outcome.cost


def test_terms_that_are_just_agreed_count(customer: Customer) -> None:
    now = timezone.now()

    def agree() -> None:
        agree_terms(
            customer=customer,
            effective_from=now,
            discount_percent=Decimal(50),
            reason="enterprise",
            by="ada",
            at=now,
        )

    assert cost_behind(agree, now + LATER) == SEED_COST / 2
    assert audit.differences() == []


def test_a_version_that_is_just_published_counts(customer: Customer) -> None:
    now = timezone.now()
    dearer = parse_card(make.SEED_CARD.replace("0.012", "0.112"))
    draft = draft_version(rate_card=customer.plan.rate_card, card=dearer)

    def publish() -> RateCardVersion:
        return publish_version(version=draft, effective_from=now, by="ada", at=now)

    assert cost_behind(publish, now + LATER) == SEED_COST + Decimal("0.1083")
    assert audit.differences() == []


def test_a_correction_keeps_the_prices_of_a_plan_that_was_left(
    customer: Customer,
) -> None:
    make.record(make.event())
    dear = make.rate_card(make.SEED_CARD.replace("0.012", "9"))
    Customer.objects.update(plan=make.plan(card=dear))

    amended = make.amend(customer)

    assert amended.replacement
    assert amended.replacement.amount == SEED_COST
    assert audit.differences() == []
