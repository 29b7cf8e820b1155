"""The demo's traffic through the API, priced a second time by the oracle."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.test import Client

from billing.models import (
    BalanceAlert,
    Charge,
    Customer,
    Notice,
    NoticeKind,
    UsageEvent,
)
from config.demo.credits import watch_credits
from config.demo.people import populate
from config.demo.story import close_ended_months, demo_window, new_start
from config.demo.traffic import Event, all_events
from config.verification import verify_all
from invoices.models import InvoiceLine, LineKind
from ledger.models import Entry, Kind
from tests import make
from tests.stories.oracle import ZONES, Line, price_lines

BATCH = 1_000


@pytest.mark.story
@pytest.mark.django_db
def test_the_demos_totals_equal_an_independent_sum() -> None:
    now = datetime.now(UTC)
    populate(start=new_start(now), now=now)
    events = all_events(demo_window())
    key = make.service_key()

    first = [post(batch, key) for batch in batches(events)]
    watch_credits(at=now)
    again = [post(batch, key) for batch in batches(events)]
    close_ended_months(at=now + timedelta(days=40))

    assert not Notice.objects.filter(kind=NoticeKind.LOW_BALANCE).exists()
    assert set(BalanceAlert.objects.values_list("is_armed", "crossings")) == {(True, 0)}
    expected = price_lines(priced(events))
    assert sum(answer["accepted"] for answer in first) == len(events) - 1
    assert sum(answer["duplicates"] for answer in again) == len(events)
    assert UsageEvent.objects.count() == len(events) - 3
    assert charged() == expected
    assert invoiced() == expected
    assert debited() == by_customer(expected)
    assert [finding for finding in verify_all() if finding.differences] == []


def post(batch: list[Event], key: str) -> dict[str, Any]:
    response = Client().post(
        "/v1/events",
        {"events": batch},
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


def batches(events: list[Event]) -> Iterator[list[Event]]:
    for start in range(0, len(events), BATCH):
        yield events[start : start + BATCH]


def priced(events: list[Event]) -> list[Event]:
    """Leave the unpriced one out and make one event of the three chunks."""
    whole = [
        event for event in events if not event["idempotency_key"].startswith("demo:")
    ]
    [first, *_] = [event for event in events if event.get("stream")]
    used = {"model": "claude-sonnet-4-6", "input_tokens": 900, "output_tokens": 120}
    return [*whole, first | {"properties": used}]


def charged() -> dict[Line, Fraction]:
    sums: dict[Line, Fraction] = {}
    rows = Charge.objects.values_list(
        "customer__external_id",
        "occurred_at",
        "model",
        "dimension",
        "multiplier",
        "amount",
    )
    for customer, at, model, dimension, multiplier, amount in rows:
        month = f"{at.astimezone(ZONES[customer]):%Y-%m}"
        place = (customer, month, model, dimension, Fraction(multiplier))
        sums[place] = sums.get(place, Fraction()) + Fraction(amount)
    return sums


def invoiced() -> dict[Line, Fraction]:
    lines = InvoiceLine.objects.filter(kind=LineKind.USAGE).select_related(
        "invoice__customer", "rate", "band"
    )
    return {place_of(line): Fraction(line.exact_amount) for line in lines}


def place_of(line: InvoiceLine) -> Line:
    customer = line.invoice.customer.external_id
    assert line.invoice.period_start
    assert line.rate
    assert line.band
    month = f"{line.invoice.period_start.astimezone(ZONES[customer]):%Y-%m}"
    multiplier = Fraction(line.band.multiplier)
    return (customer, month, line.model, line.rate.dimension, multiplier)


def debited() -> dict[str, Fraction]:
    sums = dict.fromkeys(ZONES, Fraction())
    owners = dict(Customer.objects.values_list("wallet_id", "external_id"))
    rows = Entry.objects.filter(kind=Kind.USAGE).values_list("wallet_id", "amount")
    for wallet_id, amount in rows:
        sums[owners[wallet_id]] -= Fraction(amount)
    return sums


def by_customer(lines: dict[Line, Fraction]) -> dict[str, Fraction]:
    sums = dict.fromkeys(ZONES, Fraction())
    for (customer, *_), amount in lines.items():
        sums[customer] += amount
    return sums
