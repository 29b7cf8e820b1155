"""Every amount, worked out again in fractions from a price table of the test's own."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Charge, Customer, Plan, UsageEvent, UsageRollup
from billing.services.events import Outcome, PostedEvent
from ledger.models import Entry, Kind
from tests import audit, make

CARD = (
    make.SEED_CARD
    + """\
---
model: voice
rates:
  - dimension: seconds
    unit: 60 seconds
    price_usd: 0.0061
  - dimension: requests
    unit: 1 request
    price_usd: 0.001
  - dimension: images
    unit: 13 images
    price_usd: 0.2
"""
)
CHANGE = datetime(2026, 11, 10, tzinfo=UTC)
CHANGED = CARD.replace("0.012", "0.0135").replace("0.2", "0.3")
# Model: dimension: price before the change, price after it, and unit.
PRICES = {
    "text-gen-v3": {
        "input_tokens": ("0.003", "0.003", 1000),
        "output_tokens": ("0.012", "0.0135", 1000),
    },
    "voice": {
        "seconds": ("0.0061", "0.0061", 60),
        "requests": ("0.001", "0.001", 1),
        "images": ("0.2", "0.3", 13),
    },
}
BANDS = ((8192, "1"), (32768, "1.8"), (131072, "3.2"))

times = st.integers(-14 * 24, 0).map(lambda hours: make.NOW + timedelta(hours=hours))
text = st.fixed_dictionaries(
    {
        "model": st.just("text-gen-v3"),
        "input_tokens": st.one_of(
            st.integers(0, 131072), st.sampled_from([8192, 8193, 32768, 32769])
        ),
        "output_tokens": st.integers(0, 10**9),
    }
)
voice = st.fixed_dictionaries(
    {"model": st.just("voice"), "seconds": st.decimals(0, 10**6, places=18)},
    optional={"requests": st.integers(0, 9), "images": st.integers(0, 10**6)},
)
usages = st.lists(st.tuples(times, st.one_of(text, voice)), min_size=10, max_size=30)


def amounts(properties: dict[str, Any], at: datetime) -> dict[str, Fraction]:
    """Return what each dimension costs, as a reader of the price list works it out."""
    stated = dict(properties)
    model = stated.pop("model")
    multiplier = Fraction(1)
    if model == "voice":
        stated.setdefault("requests", 1)
    else:
        fitting = [m for bound, m in BANDS if stated["input_tokens"] <= bound]
        multiplier = Fraction(fitting[0])
    costs = {}
    for dimension, quantity in stated.items():
        before, after, unit = PRICES[model][dimension]
        price = Fraction(before if at < CHANGE else after)
        costs[dimension] = rounded(price * Fraction(quantity) * multiplier / unit)
    return costs


def rounded(amount: Fraction) -> Fraction:
    # `round` of a fraction goes to the even neighbour from the middle.
    return Fraction(round(amount * 10**18), 10**18)


def make_plan() -> Plan:
    card = make.rate_card(CARD)
    make.published_version(card, CHANGED, effective_from=CHANGE)
    return make.plan(card=card)


def record(
    customer: Customer, usage: list[tuple[datetime, dict[str, Any]]]
) -> list[Outcome]:
    return make.record(
        *[
            PostedEvent(
                customer=customer.external_id,
                idempotency_key=str(number),
                event_name="call",
                occurred_at=at,
                properties=properties,
            )
            for number, (at, properties) in enumerate(usage)
        ]
    )


@pytest.mark.django_db
@settings(max_examples=25, deadline=None)
@given(usage=usages)
def test_every_sum_agrees_to_the_last_digit(
    usage: list[tuple[datetime, dict[str, Any]]],
) -> None:
    customer = make.customer(external_id=f"c{make.unique()}", plan=make_plan())

    outcomes = record(customer, usage)

    expected = [amounts(properties, at) for at, properties in usage]
    events = [sum(each.values(), Fraction()) for each in expected]
    assert [Fraction(str(outcome.cost)) for outcome in outcomes] == events
    assert charged(customer) == by_dimension(expected)
    assert taken(customer) == sum(events)
    assert rolled_up(customer) == by_day(usage, expected)
    assert audit.differences() == []


def charged(customer: Customer) -> list[tuple[str, Fraction]]:
    keys = dict(UsageEvent.objects.values_list("pk", "idempotency_key"))
    charges = Charge.objects.filter(customer=customer)
    return sorted(
        (f"{keys[c.event_id]}:{c.dimension}", Fraction(c.amount)) for c in charges
    )


def by_dimension(expected: list[dict[str, Fraction]]) -> list[tuple[str, Fraction]]:
    return sorted(
        (f"{number}:{dimension}", amount)
        for number, costs in enumerate(expected)
        for dimension, amount in costs.items()
    )


def taken(customer: Customer) -> Fraction:
    entries = Entry.objects.filter(wallet=customer.wallet, kind=Kind.USAGE)
    return -sum((Fraction(entry.amount) for entry in entries), Fraction())


def rolled_up(customer: Customer) -> dict[tuple[str, str], Fraction]:
    sums: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for row in UsageRollup.objects.filter(customer=customer).select_related("rate"):
        sums[str(row.day), row.rate.dimension] += Fraction(row.amount)
    return dict(sums)


def by_day(
    usage: list[tuple[datetime, dict[str, Any]]], expected: list[dict[str, Fraction]]
) -> dict[tuple[str, str], Fraction]:
    sums: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for (at, _), costs in zip(usage, expected, strict=True):
        for dimension, amount in costs.items():
            sums[f"{at:%Y-%m-%d}", dimension] += amount
    return dict(sums)
