from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import (
    Charge,
    Correction,
    Customer,
    IdempotencyClaim,
    QuarantinedEvent,
    UsageEvent,
)
from billing.pricing.yaml_form import parse_card
from billing.services.corrections import (
    AlreadyCorrectedError,
    KeyTakenError,
    UnpriceableError,
)
from billing.services.events import Status, StreamPart
from billing.services.rate_cards import draft_version, publish_version
from ledger.models import Entry, Kind, Source
from ledger.services import expire_wallet
from tests import audit, make
from tests.billing.cards import TIERED

pytestmark = pytest.mark.django_db
COST = Decimal("0.014232")
# With 83 tokens of output.
LESS = Decimal("0.002232")
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def customer_with_a_call() -> Customer:
    customer = make.customer(credits="50")
    make.record(make.event())
    return customer


def event_of(key: str) -> UsageEvent:
    return UsageEvent.objects.get(idempotency_key=key)


class TestAmend:
    def test_charges_what_the_call_really_was(self) -> None:
        customer = customer_with_a_call()

        made = make.amend(customer, output_tokens=83)

        assert made.replacement == event_of("req_1b")
        assert made.replacement.amount == LESS
        assert made.correction.amount == COST
        assert made.balance == made.replacement.balance_after == 50 - LESS
        assert audit.differences() == []

    def test_keeps_the_calls_time_and_name(self) -> None:
        customer = customer_with_a_call()

        make.amend(customer, output_tokens=83)

        first, second = event_of("req_1"), event_of("req_1b")
        assert (second.occurred_at, second.event_name) == (
            first.occurred_at,
            first.event_name,
        )
        assert second.properties["output_tokens"] == 83

    def test_prices_it_by_the_version_of_its_own_time(self) -> None:
        customer = customer_with_a_call()
        dearer = parse_card(make.SEED_CARD.replace("0.003", "3"))
        version = draft_version(rate_card=customer.plan.rate_card, card=dearer)
        later = make.NOW + DAY
        publish_version(version=version, effective_from=later, by="ada", at=make.NOW)

        made = make.amend(customer, output_tokens=83, at=later + DAY)

        assert made.replacement
        assert made.replacement.amount == LESS

    def test_has_the_lots_that_are_given_back(self) -> None:
        customer = make.customer()
        bonus = make.lot(customer.wallet, "0.01", source=Source.PROMOTION)
        make.record(make.event())

        make.amend(customer, output_tokens=83)

        last = Entry.objects.latest("sequence")
        assert (last.kind, last.lot, last.amount) == (Kind.USAGE, bonus, -LESS)
        assert audit.differences() == []

    def test_is_paid_by_the_expired_lot_that_paid_before(self) -> None:
        customer = make.customer()
        lot = make.lot(customer.wallet, "1", expires_at=make.NOW + DAY)
        make.record(make.event())
        expire_wallet(
            wallet_id=customer.wallet_id, expired_before=make.NOW + DAY, actor="sweep"
        )

        made = make.amend(customer, output_tokens=83, at=make.NOW + 3 * DAY)

        back = [(entry.kind, entry.lot, entry.amount) for entry in made.entries]
        assert back == [
            (Kind.REVERSAL, lot, COST),
            (Kind.EXPIRY, lot, LESS - COST),
        ]
        assert made.balance == 0
        assert audit.differences() == []

    def test_may_cost_more_than_is_there(self) -> None:
        customer = make.customer(credits="0.02")
        make.record(make.event())

        made = make.amend(customer, output_tokens=10_830)

        assert made.balance < 0
        assert audit.differences() == []

    def test_counts_tiers_without_the_first_event(self) -> None:
        plan = make.plan(card=make.rate_card(TIERED))
        customer = make.customer(plan=plan, credits="50")
        make.record(make.event(input_tokens=1_100))

        made = make.amend(customer, input_tokens=300)

        assert made.replacement
        assert made.replacement.amount == 2
        assert audit.differences() == []

    def test_may_be_amended_and_voided_in_turn(self) -> None:
        customer = customer_with_a_call()
        make.amend(customer, output_tokens=83)
        make.amend(customer, "req_1b", by="req_1c", output_tokens=84)

        made = make.void(customer, "req_1c")

        assert Correction.objects.count() == 3
        assert made.balance == 50
        assert audit.differences() == []

    def test_of_a_closed_period_bills_the_other_in_the_open_one(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event(occurred_at=NOVEMBER - DAY))
        make.close_period(NOVEMBER)

        make.amend(customer, output_tokens=83)

        assert event_of("req_1b").period_start == NOVEMBER
        assert event_of("req_1b").is_late
        assert audit.differences() == []

    def test_cures_an_event_in_quarantine(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event(output_tokens=-1))

        made = make.amend(customer, output_tokens=83)

        assert make.row(made.correction.amount, made.balance) == (0, 50 - LESS)
        assert QuarantinedEvent.objects.get().resolved_at == make.NOW
        assert not Entry.objects.filter(kind=Kind.REVERSAL).exists()
        assert audit.differences() == []


class TestWithoutAPrice:
    @pytest.mark.parametrize(
        ("properties", "reason"),
        [
            ({"model": "unheard-of"}, "unknown_model"),
            ({"output_tokens": -1}, "bad_quantity"),
            (
                {"input_is_total": True, "cached_input_tokens": 999},
                "parts_exceed_total",
            ),
        ],
    )
    def test_nothing_moves(self, properties: dict[str, Any], reason: str) -> None:
        customer = customer_with_a_call()

        with pytest.raises(UnpriceableError) as caught:
            make.amend(customer, **properties)

        customer.wallet.refresh_from_db()
        assert caught.value.reason == reason
        assert customer.wallet.balance == 50 - COST
        assert IdempotencyClaim.objects.count() == UsageEvent.objects.count() == 1
        assert not Correction.objects.exists()
        assert Charge.objects.count() == 2
        assert audit.differences() == []


class TestAgain:
    def test_with_the_same_is_the_first_amendment(self) -> None:
        customer = customer_with_a_call()
        first = make.amend(customer, output_tokens=83)

        assert make.amend(customer, output_tokens=83) == first
        assert audit.differences() == []

    def test_with_other_properties_is_a_conflict(self) -> None:
        customer = customer_with_a_call()
        make.amend(customer, output_tokens=83)

        with pytest.raises(KeyTakenError, match="other properties"):
            make.amend(customer, output_tokens=84)

    def test_under_another_key_is_refused(self) -> None:
        customer = customer_with_a_call()
        make.amend(customer, output_tokens=83)

        with pytest.raises(AlreadyCorrectedError, match="miscounted"):
            make.amend(customer, by="req_9", output_tokens=83)

        assert not IdempotencyClaim.objects.filter(key="req_9").exists()

    def test_after_a_void_is_refused(self) -> None:
        customer = customer_with_a_call()
        make.void(customer)

        with pytest.raises(AlreadyCorrectedError, match="posted twice"):
            make.amend(customer)

        assert IdempotencyClaim.objects.count() == 1

    @pytest.mark.parametrize("key", ["req_1", "req_2"])
    def test_a_key_of_a_posted_event_is_taken(self, key: str) -> None:
        customer = customer_with_a_call()
        make.record(make.event("req_2"))

        with pytest.raises(KeyTakenError, match="recorded before"):
            make.amend(customer, by=key)

    def test_a_key_of_an_open_stream_is_taken(self) -> None:
        customer = customer_with_a_call()
        make.record(make.event("K", stream=StreamPart(0, is_final=False)))

        with pytest.raises(KeyTakenError, match="recorded before"):
            make.amend(customer, by="K")
        make.record(make.event("K", stream=StreamPart(1, is_final=True)))

        assert UsageEvent.objects.get(idempotency_key="K").amount
        assert audit.differences() == []

    def test_a_replacement_that_is_posted_too_is_a_duplicate(self) -> None:
        customer = customer_with_a_call()
        make.amend(customer, output_tokens=83)

        [outcome] = make.record(make.event("req_1b", output_tokens=83))

        assert make.row(outcome.status, outcome.cost) == (Status.DUPLICATE, LESS)
