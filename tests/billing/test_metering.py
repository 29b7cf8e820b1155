from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Charge, QuarantinedEvent, UsageEvent, UsageRollup
from billing.services.events import Outcome, PostedEvent, Status
from ledger.models import Entry, Kind, Source
from tests import audit, make

pytestmark = pytest.mark.django_db
COST = Decimal("0.014232")
FREE_CARD = """\
model: free
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0
"""
DEARER_CARD = """\
model: text-gen-v3
rates:
  - dimension: input_tokens
    unit: 1 tokens
    price_usd: 1
  - dimension: output_tokens
    unit: 1 tokens
    price_usd: 1
"""


def usage() -> list[Entry]:
    return list(Entry.objects.filter(kind=Kind.USAGE).order_by("sequence"))


class TestRecordEvents:
    def test_prices_and_debits_the_seeds_event(self) -> None:
        customer = make.customer(credits="50")
        posted = make.event()

        [outcome] = make.record(posted)

        customer.wallet.refresh_from_db()
        assert outcome == Outcome(
            status=Status.ACCEPTED,
            idempotency_key="req_1",
            cost=COST,
            balance=Decimal("49.985768"),
            currency="USD",
            recorded=posted,
        )
        assert customer.wallet.balance == Decimal("49.985768")

    def test_stores_the_event_as_it_was_posted(self) -> None:
        customer = make.customer(credits="50")
        posted = make.event(temperature=Decimal("0.70"), tags=["a", None, True])

        make.record(posted)

        stored = UsageEvent.objects.get()
        assert (stored.customer, stored.idempotency_key) == (customer, "req_1")
        assert (stored.event_name, stored.model) == ("llm_inference", "text-gen-v3")
        assert stored.occurred_at == make.NOW
        assert stored.properties == posted.properties
        assert str(stored.properties["temperature"]) == "0.70"

    def test_stores_what_the_caller_was_told(self) -> None:
        make.customer(credits="50")

        make.record(make.event())

        stored = UsageEvent.objects.get()
        assert stored.amount == COST
        assert stored.balance_after == Decimal("49.985768")
        assert (stored.first_entry, stored.last_entry) == (2, 2)
        assert not stored.is_late

    def test_stores_a_charge_for_each_dimension(self) -> None:
        make.customer(credits="50")

        make.record(make.event())

        charges = Charge.objects.order_by("dimension")
        assert [make.row(c.dimension, c.quantity, c.amount) for c in charges] == [
            ("input_tokens", 412, Decimal("0.001236")),
            ("output_tokens", 1083, Decimal("0.012996")),
        ]
        assert [make.row(c.unit, c.unit_price, c.multiplier) for c in charges] == [
            (1000, Decimal("0.003"), 1),
            (1000, Decimal("0.012"), 1),
        ]

    def test_names_the_event_in_the_entry(self) -> None:
        make.customer(credits="50")

        make.record(make.event(occurred_at=make.NOW - timedelta(days=1)))

        [entry] = usage()
        assert (entry.cause, entry.actor) == ("event:req_1", "metering")
        assert entry.occurred_at == make.NOW - timedelta(days=1)

    def test_points_to_every_entry_of_an_event_that_two_lots_paid(self) -> None:
        customer = make.customer(credits="50")
        make.lot(customer.wallet, "0.01", source=Source.PROMOTION)

        make.record(make.event())

        stored = UsageEvent.objects.get()
        assert [entry.sequence for entry in usage()] == [3, 4]
        assert (stored.first_entry, stored.last_entry) == (3, 4)

    def test_lets_a_balance_become_negative(self) -> None:
        make.customer()

        [outcome] = make.record(make.event())

        assert outcome.status is Status.ACCEPTED
        assert outcome.balance == -COST

    def test_answers_with_what_is_left_after_each_event(self) -> None:
        make.customer(credits="50")

        outcomes = make.record(*[make.event(f"req_{n}") for n in range(3)])

        assert [outcome.balance for outcome in outcomes] == [
            Decimal("49.985768"),
            Decimal("49.971536"),
            Decimal("49.957304"),
        ]

    def test_answers_with_what_may_be_spent_now_not_then(self) -> None:
        customer = make.customer()
        make.lot(customer.wallet, "50", expires_at=make.NOW)

        [outcome] = make.record(make.event(occurred_at=make.NOW - timedelta(hours=1)))

        assert usage()[0].lot_id is not None
        assert outcome.balance == 0

    def test_of_nothing_answers_nothing(self) -> None:
        assert make.record() == []

    def test_refuses_a_customer_that_is_not_there(self) -> None:
        [outcome] = make.record(make.event(customer="cus_nobody"))

        assert outcome.status is Status.REJECTED
        assert (outcome.code, outcome.path) == ("unknown_customer", ("customer_id",))
        assert outcome.detail == "There is no customer 'cus_nobody'."
        assert not outcome.is_recorded

    def test_charges_nothing_for_a_free_model_and_shows_so(self) -> None:
        card = make.rate_card(FREE_CARD)
        make.customer(plan=make.plan(card=card), credits="50")

        [outcome] = make.record(make.event(model="free", output_tokens=0))

        assert make.row(outcome.status, outcome.cost) == (Status.ACCEPTED, 0)
        assert [charge.amount for charge in Charge.objects.all()] == [0]
        assert UsageRollup.objects.get().calls == 1

    def test_makes_no_entry_for_an_event_that_cost_nothing(self) -> None:
        make.customer(credits="50")

        make.record(make.event(input_tokens=0, output_tokens=0))

        stored = UsageEvent.objects.get()
        assert usage() == []
        assert (stored.first_entry, stored.last_entry) == (None, None)
        assert audit.differences() == []

    def test_prices_by_the_time_of_the_event(self) -> None:
        card = make.rate_card()
        change = make.NOW - timedelta(days=1)
        make.published_version(card, DEARER_CARD, effective_from=change)
        make.customer(plan=make.plan(card=card), credits="5000")
        before = make.event("a", occurred_at=change - timedelta(microseconds=1))

        outcomes = make.record(before, make.event("b", occurred_at=change))

        assert [outcome.cost for outcome in outcomes] == [COST, 412 + 1083]
        first, second = UsageEvent.objects.order_by("occurred_at")
        assert first.version.number == 1
        assert second.version.number == 2


def bad(position: int) -> dict[str, PostedEvent]:
    key = f"req_{position}"
    return {
        "rejected": make.event(key, customer="cus_nobody"),
        "quarantined": make.event(key, model="unknown"),
        "conflict": make.event("req_first", output_tokens=1),
    }


@pytest.mark.parametrize("position", [0, 500, 999])
@pytest.mark.parametrize("status", ["rejected", "quarantined", "conflict"])
def test_one_bad_event_of_a_thousand_spoils_no_other(
    position: int, status: str
) -> None:
    customer = make.customer(credits="50")
    make.record(make.event("req_first"))
    events = [make.event(f"req_{n}") for n in range(1000)]
    events[position] = bad(position)[status]

    outcomes = make.record(*events)

    customer.wallet.refresh_from_db()
    assert [o.status for o in outcomes].count(Status.ACCEPTED) == 999
    assert outcomes[position].status == status
    assert customer.wallet.balance == 50 - 1000 * COST
    assert audit.differences() == []


def test_events_of_many_customers_debit_each_their_own() -> None:
    plan = make.plan()
    customers = [
        make.customer(external_id=f"cus_{n}", plan=plan, credits="1") for n in range(5)
    ]

    make.record(*[make.event(customer=each.external_id) for each in customers])

    for customer in customers:
        customer.wallet.refresh_from_db()
    assert {customer.wallet.balance for customer in customers} == {1 - COST}


def test_an_event_too_large_to_store_spoils_no_other() -> None:
    make.customer(credits="50")
    huge = [10**15, 10**19, 2**64, "9" * 5000]
    events = [make.event(f"req_{n}", output_tokens=q) for n, q in enumerate(huge)]

    outcomes = make.record(*events, make.event("fine"))

    assert [outcome.code for outcome in outcomes] == ["bad_quantity"] * 4 + [None]
    assert QuarantinedEvent.objects.count() == 4
