"""Whatever the order, the batches and the repeats: the same books."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Customer, Plan, UsageEvent, UsageRollup
from billing.services.events import PostedEvent, StreamPart
from tests import audit, make

HOUR = timedelta(hours=1)
MONTH = timedelta(days=30)
BAND = 8192


def events() -> list[PostedEvent]:
    plain = [
        make.event("a", customer="one"),
        make.event("b", customer="one", occurred_at=make.NOW - MONTH),
        make.event("b", customer="two", input_tokens=BAND + 1),
        make.event("free", customer="two", input_tokens=0, output_tokens=0),
        make.event("odd", customer="two", model="unknown"),
    ]
    chunks = [
        make.event(
            "s",
            customer=customer,
            occurred_at=make.NOW - n * HOUR,
            stream=StreamPart(n, is_final=n == 2),
            output_tokens=n,
        )
        for customer in ("one", "two")
        for n in range(3)
    ]
    return plain + chunks


EVENTS = events()


@st.composite
def batches(draw: st.DrawFn) -> list[list[PostedEvent]]:
    """Draw the events with any of them repeated, in any order and any batches."""
    repeats = draw(st.lists(st.sampled_from(EVENTS), max_size=8))
    order = iter(draw(st.permutations(EVENTS + repeats)))
    sizes = draw(st.lists(st.integers(1, 6), max_size=6))
    parts = [list(islice(order, size)) for size in sizes]
    return [*parts, list(order)]


def record(parts: list[list[PostedEvent]], plan: Plan) -> list[Any]:
    """Record batches for two customers of their own; returns their books."""
    number = make.unique()
    customers = {
        name: make.customer(external_id=f"{name}-{number}", plan=plan, credits="5")
        for name in ("one", "two")
    }
    for part in parts:
        names = [(each, customers[each.customer].external_id) for each in part]
        make.record(*[replace(each, customer=name) for each, name in names])
    return [books(customer) for customer in customers.values()]


def books(customer: Customer) -> tuple[Decimal, set[object], set[object]]:
    customer.wallet.refresh_from_db()
    rollups = UsageRollup.objects.filter(customer=customer)
    events = UsageEvent.objects.filter(customer=customer)
    columns = ("period_start", "day", "rate", "band", "calls", "quantity", "amount")
    return (
        customer.wallet.balance,
        set(rollups.values_list(*columns)),
        set(events.values_list("idempotency_key", "occurred_at", "amount")),
    )


@pytest.mark.django_db
@settings(max_examples=40, deadline=None)
@given(batches())
def test_any_order_and_any_repeats_lead_to_the_same_books(
    parts: list[list[PostedEvent]],
) -> None:
    plan = make.plan()

    expected = record([EVENTS], plan)

    assert record(parts, plan) == expected
    assert audit.differences() == []
