from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing.models import (
    Charge,
    Correction,
    Customer,
    FundingRollup,
    Terms,
    UsageEvent,
    UsageRollup,
)
from billing.models.plans import Plan
from billing.services.correctable import StreamOpenError, UnknownEventError
from billing.services.corrections import AlreadyCorrectedError
from billing.services.events import Status, StreamPart
from ledger.models import Entry, Kind, Source
from tests import audit, make
from tests.billing.cards import MINIMUM, PACKAGED, TIERED

pytestmark = pytest.mark.django_db
COST = Decimal("0.014232")
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
IN_OCTOBER = NOVEMBER - timedelta(days=2)


def customer_on(text: str, *, credits: str = "50") -> Customer:
    plan = make.plan(card=make.rate_card(text))
    return make.customer(plan=plan, credits=credits)


def balance(customer: Customer) -> Decimal:
    customer.wallet.refresh_from_db()
    return customer.wallet.balance


def numbers(event: UsageEvent, *, sign: int) -> list[tuple[object, ...]]:
    """Return what an event's charges are made of, or those that take it back."""
    charges = Charge.objects.filter(event=event, correction_id__isnull=sign > 0)
    rows = charges.order_by("pk").values_list("quantity", "amount", "billed", "flat")
    return [tuple(each and sign * each for each in row) for row in rows]


def assert_all_is_taken_back(customer: Customer, key: str = "req_1") -> None:
    before = balance(customer)
    amount = UsageEvent.objects.get(idempotency_key=key).amount

    made = make.void(customer, key)

    assert made.correction.amount == amount
    assert balance(customer) == before + amount
    assert audit.differences() == []


class TestVoid:
    def test_gives_the_cost_back(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event())

        made = make.void(customer)

        assert make.row(made.key, made.balance, made.currency) == ("req_1", 50, "USD")
        assert made.correction.amount == COST
        assert [entry.amount for entry in made.entries] == [COST]
        assert balance(customer) == 50
        assert audit.differences() == []

    def test_says_who_and_why(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event())

        made = make.void(customer).correction

        assert (made.reason, made.actor) == ("posted twice", "ada")
        assert (made.kind, made.replacement_id) == ("void", None)
        assert str(made) == f"Void of event {made.event_id}"
        entry = Entry.objects.get(kind=Kind.REVERSAL)
        assert (entry.actor, entry.cause) == ("ada", f"correction:{made.pk}")

    def test_takes_each_charge_back_as_it_was(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event(input_tokens=9_000))
        make.void(customer)

        first, second, *taken = Charge.objects.order_by("pk")

        kept = ("rate", "band", "multiplier", "unit_price", "occurred_at", "discount")
        for charge, back in zip((first, second), taken, strict=True):
            assert [getattr(back, name) for name in kept] == [
                getattr(charge, name) for name in kept
            ]
            assert (back.quantity, back.amount) == (-charge.quantity, -charge.amount)

    def test_leaves_sums_of_nothing(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event())

        make.void(customer)

        sums = UsageRollup.objects.values_list("calls", "quantity", "amount")
        assert {make.row(*each) for each in sums} == {(0, 0, 0)}
        assert FundingRollup.objects.get().amount == 0

    def test_again_returns_the_first_and_moves_nothing(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event())
        first = make.void(customer)

        again = make.void(customer, at=make.NOW + timedelta(hours=1))

        assert again == first
        assert Correction.objects.count() == 1
        assert audit.differences() == []

    def test_gives_back_to_the_lot_that_paid_last_first(self) -> None:
        customer = make.customer()
        first = make.lot(customer.wallet, "0.004", source=Source.PROMOTION)
        second = make.lot(customer.wallet, "50")
        make.record(make.event())

        made = make.void(customer)

        back = [(entry.lot_id, entry.amount) for entry in made.entries]
        assert back == [
            (second.pk, COST - Decimal("0.004")),
            (first.pk, Decimal("0.004")),
        ]

    def test_of_what_cost_nothing_has_no_entries(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event(input_tokens=0, output_tokens=0))

        made = make.void(customer)

        assert (made.entries, made.correction.first_entry) == ([], None)
        assert audit.differences() == []

    def test_of_a_waived_call(self) -> None:
        customer = make.customer(credits="50")
        Plan.objects.update(waives_failed_calls=True)
        make.record(make.event(output_tokens=0, status=500))
        assert UsageEvent.objects.get().waived == "failed_call"

        assert_all_is_taken_back(customer)

    def test_of_an_event_that_overdrew_the_wallet(self) -> None:
        customer = make.customer(credits="0.01")
        make.record(make.event())

        assert_all_is_taken_back(customer)

    def test_of_an_event_paid_by_a_pack_bought_since(self) -> None:
        customer = make.customer()
        make.record(make.event())
        make.lot(customer.wallet, "5")

        made = make.void(customer)

        assert made.balance == 5
        assert audit.differences() == []

    def test_of_a_discounted_event(self) -> None:
        customer = make.customer(credits="50")
        Terms.objects.create(
            customer=customer,
            effective_from=IN_OCTOBER,
            discount_percent=Decimal(10),
            reason="promised",
            actor="ada",
        )
        make.record(make.event())
        assert UsageEvent.objects.get().amount == COST * Decimal("0.9")

        assert_all_is_taken_back(customer)

    @pytest.mark.parametrize("text", [TIERED, PACKAGED, MINIMUM])
    def test_of_an_event_priced_by_more_than_its_quantity(self, text: str) -> None:
        customer = customer_on(text)
        make.record(make.event("a", input_tokens=500), make.event(input_tokens=900))

        assert_all_is_taken_back(customer)

        event = UsageEvent.objects.get(idempotency_key="req_1")
        assert numbers(event, sign=-1) == numbers(event, sign=1) != []

    def test_counts_one_call_that_has_two_charges_at_one_rate_once(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event(cached_input_tokens=9), make.event("req_2"))

        make.void(customer)

        calls = UsageRollup.objects.values_list("calls", flat=True)
        assert set(calls) == {1}
        assert audit.differences() == []


class TestTiers:
    def test_are_free_again_for_later_calls(self) -> None:
        customer = customer_on(TIERED)
        make.record(make.event(input_tokens=1_100))
        make.void(customer)

        make.record(make.event("again", input_tokens=1_100))

        first, again = UsageEvent.objects.order_by("pk")
        assert first.amount == again.amount == 10
        assert audit.differences() == []

    def test_leave_other_calls_at_the_price_they_had(self) -> None:
        customer = customer_on(TIERED)
        make.record(make.event(input_tokens=1_100))
        make.record(make.event("later", input_tokens=1_000))

        make.void(customer)

        assert UsageEvent.objects.get(idempotency_key="later").amount == 6
        assert balance(customer) == 44


class TestWhatCannotBeVoided:
    def test_is_an_unknown_event(self) -> None:
        with pytest.raises(UnknownEventError):
            make.void(make.customer())

    def test_is_another_customers_event(self) -> None:
        make.customer(credits="50")
        make.record(make.event())
        other = make.customer(external_id="cus_other")

        with pytest.raises(UnknownEventError):
            make.void(other)

    def test_is_a_stream_that_is_open(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event(stream=StreamPart(0, is_final=False)))

        with pytest.raises(StreamOpenError, match="has not closed"):
            make.void(customer)

    def test_is_an_amended_event(self) -> None:
        customer = make.customer(credits="50")
        make.record(make.event())
        make.amend(customer)

        with pytest.raises(AlreadyCorrectedError, match="req_1 was replaced"):
            make.void(customer)


def test_a_closed_stream_is_voided() -> None:
    customer = make.customer(credits="50")
    make.record(make.event(stream=StreamPart(0, is_final=True)))

    assert_all_is_taken_back(customer)


def test_a_voided_event_posted_again_has_its_first_answer() -> None:
    customer = make.customer(credits="50")
    [first] = make.record(make.event())
    make.void(customer)

    [again] = make.record(make.event())

    assert again.status is Status.DUPLICATE
    assert (again.cost, again.balance) == (first.cost, first.balance)
    assert balance(customer) == 50
