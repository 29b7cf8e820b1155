from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import (
    Charge,
    IdempotencyClaim,
    QuarantinedEvent,
    RateCard,
    UsageEvent,
)
from billing.pricing.yaml_form import parse_card
from billing.services.events import Outcome, Status
from billing.services.quarantine import Retry, retry_quarantined
from billing.services.rate_cards import create_rate_card, draft_version, publish_version
from tests import audit, make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LATER = make.NOW + DAY
OTHER_MODEL = """\
---
model: image-gen
rates:
  - dimension: images
    unit: 1 image
    price_usd: 2
"""
AUDIO_RATE = """\
    price_usd: 0.012
  - dimension: audio_input_tokens
    unit: 1 tokens
    price_usd: 1
"""
LONGER_BAND = """\
        multiplier: 3.2
      - max_tokens: 1000000
        multiplier: 4
"""


def card_of(customer_id: str = "cus_abc123") -> RateCard:
    card = make.rate_card()
    make.customer(external_id=customer_id, plan=make.plan(card=card), credits="500000")
    return card


def post(**properties: object) -> Outcome:
    posted = replace(make.event(), properties=properties)
    [outcome] = make.record(posted)
    return outcome


def publish(card: RateCard, text: str) -> None:
    version = draft_version(rate_card=card, card=parse_card(text))
    publish_version(version=version, effective_from=make.NOW - DAY, by="ada", at=LATER)


def retry() -> Retry:
    return retry_quarantined(received_at=LATER)


class TestWhatHasNoPrice:
    @pytest.mark.parametrize(
        ("reason", "properties"),
        [
            ("unknown_model", {"model": "unknown", "input_tokens": 1}),
            ("unknown_model", {"input_tokens": 1}),
            ("unknown_model", {"model": None, "input_tokens": 1}),
            ("unknown_model", {"model": ["text-gen-v3"], "input_tokens": 1}),
            ("unknown_model", {"model": 7, "input_tokens": 1}),
            ("unpriced_dimension", {"model": "text-gen-v3", "audio_input_tokens": 1}),
            ("no_priced_dimension", {"model": "text-gen-v3", "total_tokens": 5}),
            ("no_priced_dimension", {"model": "text-gen-v3"}),
            ("context_above_bands", {"model": "text-gen-v3", "input_tokens": 131073}),
            ("bad_quantity", {"model": "text-gen-v3", "input_tokens": -1}),
            ("bad_quantity", {"model": "text-gen-v3", "input_tokens": True}),
            ("bad_quantity", {"model": "text-gen-v3", "input_tokens": "1_000"}),
            ("bad_quantity", {"model": "text-gen-v3", "input_tokens": "\uff19"}),
        ],
    )
    def test_is_kept_with_the_reason_and_not_charged(
        self, reason: str, properties: dict[str, object]
    ) -> None:
        card_of()

        outcome = post(**properties)

        waiting = QuarantinedEvent.objects.get()
        assert outcome.status is Status.QUARANTINED
        assert outcome.code == waiting.reason == reason
        assert outcome.detail == waiting.detail != ""
        assert waiting.properties == properties
        assert (outcome.cost, outcome.balance) == (None, None)
        assert not UsageEvent.objects.exists()
        assert audit.differences() == []

    def test_is_kept_when_the_card_had_no_version_yet(self) -> None:
        card = create_rate_card(code="new", name="New", currency="USD")
        make.customer(plan=make.plan(card=card))

        [outcome] = make.record(make.event())

        assert outcome.code == "no_rate_card_version"
        assert outcome.detail == (
            "The rate card has no version for 2026-11-15 12:00 UTC."
        )

    def test_still_counts_as_recorded(self) -> None:
        card_of()

        assert post(model="unknown").is_recorded


class TestRetryQuarantined:
    @pytest.mark.parametrize(
        ("properties", "text", "cost"),
        [
            ({"model": "image-gen", "images": 3}, make.SEED_CARD + OTHER_MODEL, "6"),
            (
                {"model": "text-gen-v3", "audio_input_tokens": 5},
                make.SEED_CARD.replace("    price_usd: 0.012\n", AUDIO_RATE),
                "5",
            ),
            (
                {"model": "text-gen-v3", "input_tokens": 500000},
                make.SEED_CARD.replace("        multiplier: 3.2\n", LONGER_BAND),
                "6",
            ),
        ],
    )
    def test_charges_what_a_new_version_prices(
        self, properties: dict[str, object], text: str, cost: str
    ) -> None:
        card = card_of()
        post(**properties)

        publish(card, text)

        assert retry() == Retry(recorded=1, last_id=IdempotencyClaim.objects.get().pk)
        assert UsageEvent.objects.get().amount == Decimal(cost)
        assert audit.differences() == []

    def test_prices_an_event_from_before_the_first_version(self) -> None:
        card = create_rate_card(code="new", name="New", currency="USD")
        make.customer(plan=make.plan(card=card), credits="50")
        make.record(make.event())

        publish(card, make.SEED_CARD)
        retry()

        assert UsageEvent.objects.get().amount == Decimal("0.014232")

    def test_keeps_the_claim_and_its_time(self) -> None:
        card = card_of()
        post(model="image-gen", images=3)
        claim = IdempotencyClaim.objects.get()

        publish(card, make.SEED_CARD + OTHER_MODEL)
        retry()

        stored = UsageEvent.objects.get()
        assert IdempotencyClaim.objects.get() == claim
        assert (stored.pk, stored.occurred_at) == (claim.pk, make.NOW)
        assert {charge.event_id for charge in Charge.objects.all()} == {claim.pk}

    def test_resolves_the_event_so_that_it_is_charged_once(self) -> None:
        card = card_of()
        post(model="image-gen", images=3)
        publish(card, make.SEED_CARD + OTHER_MODEL)
        retry()

        assert retry() == Retry(recorded=0, last_id=0)
        assert QuarantinedEvent.objects.get().resolved_at == LATER
        assert UsageEvent.objects.count() == 1

    def test_answers_a_later_duplicate_with_the_cost(self) -> None:
        card = card_of()
        post(model="image-gen", images=3)
        publish(card, make.SEED_CARD + OTHER_MODEL)
        retry()

        outcome = post(model="image-gen", images=3)

        assert make.row(outcome.status, outcome.cost) == (Status.DUPLICATE, 6)
        assert outcome.code is None

    def test_leaves_what_still_has_no_price(self) -> None:
        card_of()
        post(model="unknown")
        waiting = QuarantinedEvent.objects.get()

        assert retry() == Retry(recorded=0, last_id=waiting.pk)

        waiting.refresh_from_db()
        assert waiting.resolved_at is None

    def test_takes_only_those_named(self) -> None:
        card = card_of()
        events = [make.event(key, model="image-gen", images=1) for key in "ab"]
        plain = [
            replace(each, properties={"model": "image-gen", "images": 1})
            for each in events
        ]
        make.record(*plain)
        publish(card, make.SEED_CARD + OTHER_MODEL)
        _, second = QuarantinedEvent.objects.order_by("pk")

        retried = retry_quarantined(event_ids=[second.pk], received_at=LATER)

        assert retried == Retry(recorded=1, last_id=second.pk)
        assert UsageEvent.objects.get().idempotency_key == "b"

    def test_takes_only_those_past_an_id(self) -> None:
        card_of()
        post(model="unknown")
        waiting = QuarantinedEvent.objects.get()

        assert retry_quarantined(after=waiting.pk, received_at=LATER).last_id == 0

    def test_bills_what_waited_beyond_its_period_in_the_open_one(self) -> None:
        card = card_of()
        post(model="image-gen", images=3)
        publish(card, make.SEED_CARD + OTHER_MODEL)
        december = make.NOW.replace(month=12, day=1, hour=0)
        make.close_period(december)

        retry()

        stored = UsageEvent.objects.get()
        assert stored.period_start == december
        assert stored.is_late
