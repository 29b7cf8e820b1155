"""Corrections that meet each other, the month's end and usage coming in."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from billing.models import Correction, Customer, QuarantinedEvent
from billing.services.corrections import AlreadyCorrectedError, Corrected, KeyTakenError
from billing.services.quarantine import retry_quarantined
from ledger.models import Entry, Kind
from tests import audit, make
from tests.threads import run_at_once, run_behind

pytestmark = pytest.mark.django_db(transaction=True)
COST = Decimal("0.014232")
NOVEMBER = make.NOW.replace(day=1, hour=0)
IN_OCTOBER = NOVEMBER - timedelta(hours=1)


def customer_with_a_call() -> Customer:
    customer = make.customer(credits="50")
    make.record(make.event(occurred_at=IN_OCTOBER))
    return customer


def balance(customer: Customer) -> Decimal:
    customer.wallet.refresh_from_db()
    return customer.wallet.balance


def attempt(correct: Callable[[], Corrected]) -> str:
    try:
        return correct().correction.kind
    except (AlreadyCorrectedError, KeyTakenError):
        return "refused"


def test_ten_voids_at_once_have_one_effect() -> None:
    customer = customer_with_a_call()

    made = run_at_once([partial(make.void, customer)] * 10)

    assert len({each.correction.pk for each in made}) == 1
    assert Correction.objects.count() == 1
    assert balance(customer) == 50
    assert audit.differences() == []


def test_ten_amendments_at_once_have_one_effect() -> None:
    customer = customer_with_a_call()

    made = run_at_once([partial(make.amend, customer, output_tokens=83)] * 10)

    assert len({each.correction.pk for each in made}) == 1
    assert balance(customer) == 50 - Decimal("0.002232")
    assert audit.differences() == []


def test_a_void_and_an_amendment_at_once_are_one_of_both() -> None:
    customer = customer_with_a_call()
    ways = [partial(make.void, customer), partial(make.amend, customer)]

    results = run_at_once([partial(attempt, way) for way in ways])

    assert sorted(results) in (["amend", "refused"], ["refused", "void"])
    assert Correction.objects.count() == 1
    assert audit.differences() == []


def test_a_void_waits_for_the_period_that_is_being_closed() -> None:
    customer = customer_with_a_call()

    [made] = run_behind(
        partial(make.close_period, NOVEMBER),
        [partial(make.void, customer)],
        commit=True,
    )

    assert made.correction.period_start == NOVEMBER
    assert audit.differences() == []


def test_a_period_closes_after_the_void_under_way() -> None:
    customer = customer_with_a_call()

    run_behind(
        partial(make.void, customer),
        [partial(make.close_period, NOVEMBER)],
        commit=True,
    )

    assert Correction.objects.get().period_start < NOVEMBER
    assert audit.differences() == []


def test_voids_amid_usage_keep_the_books() -> None:
    customer = make.customer(credits="50")
    make.record(*(make.event(f"req_{n}") for n in range(8)))
    calls: list[Callable[[], object]] = [
        *(partial(make.void, customer, f"req_{n}") for n in range(4)),
        *(partial(make.amend, customer, f"req_{n}", by=f"b_{n}") for n in range(4, 8)),
        *(partial(make.record, make.event(f"new_{n}")) for n in range(4)),
    ]

    run_at_once(calls)

    assert balance(customer) == 50 - 8 * COST
    assert audit.differences() == []


def test_an_amendment_waits_for_the_post_that_takes_its_key() -> None:
    customer = customer_with_a_call()

    [result] = run_behind(
        partial(make.record, make.event("req_1b")),
        [partial(attempt, partial(make.amend, customer, output_tokens=83))],
        commit=True,
    )

    assert result == "refused"
    assert balance(customer) == 50 - 2 * COST
    assert audit.differences() == []


def test_a_quarantined_event_is_voided_or_priced() -> None:
    card = make.rate_card()
    customer = make.customer(plan=make.plan(card=card), credits="50")
    make.record(make.event(model="unheard-of"))
    text = make.SEED_CARD.replace("text-gen-v3", "unheard-of")
    make.published_version(card, text, effective_from=make.NOW - timedelta(hours=1))
    calls: list[Callable[[], object]] = [
        partial(make.void, customer),
        partial(retry_quarantined, received_at=make.NOW),
        partial(retry_quarantined, received_at=make.NOW),
    ]

    run_at_once(calls)

    assert QuarantinedEvent.objects.get().resolved_at == make.NOW
    assert Entry.objects.filter(kind=Kind.USAGE).count() == (
        Entry.objects.filter(kind=Kind.REVERSAL).count()
    )
    assert balance(customer) == 50
    assert audit.differences() == []
