"""Whole files of real traffic, priced as one invoice each, against another package."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from billing.models import Customer, RateCard, RateCardVersion
from billing.periods import period_containing
from billing.services.events import PostedEvent, Status
from billing.services.metering import record_events
from billing.services.rate_cards import publish_version
from config.verification import verify_all
from invoices.services.invoicing import draft_invoice, finalize_invoice
from ledger.money import total
from tests import make
from tests.billing.pricing.oracles import PRICES
from tests.billing.pricing.test_traces import DOUBLED, FLAT, OURS, TOTALS, events

pytestmark = [pytest.mark.django_db, pytest.mark.story]
SINCE = "2026-02-05T00:00:00Z"
FLAT_SINCE = "2026-03-13T00:00:00Z"


def command(name: str, *arguments: str) -> None:
    call_command(name, *arguments, stdout=StringIO())


def publish(number: int, since: str) -> None:
    """Put a version in force, as on the day itself: prices are never of the past."""
    version = RateCardVersion.objects.get(number=number)
    at = datetime.fromisoformat(since)
    publish_version(version=version, effective_from=at, by="test", at=at)


def imported_card() -> RateCard:
    """Publish what the command makes of the catalogue."""
    catalogue = str(PRICES / "models.json")
    command("import_price_catalogue", catalogue, "--card", "real", "--create")
    publish(1, SINCE)
    return RateCard.objects.get()


def dated_card(folder: Path) -> RateCard:
    """Publish the two prices that one model had, each from its date on."""
    for number, text, since in ((1, DOUBLED, SINCE), (2, FLAT, FLAT_SINCE)):
        file = folder / f"{number}.yaml"
        file.write_text(text)
        command("draft_rate_card", "real", str(file), "--create")
        publish(number, since)
    return RateCard.objects.get()


@pytest.mark.parametrize(
    "case", TOTALS, ids=lambda each: f"{each['priced_as']} {each['at']} {each['file']}"
)
def test_an_invoice_costs_what_another_package_says(
    case: dict[str, Any], tmp_path: Path
) -> None:
    name = case["priced_as"].partition("/")[2]
    at = datetime.fromisoformat(f"{case['at']}T12:00:00Z")
    with_dates = name == "claude-opus-4-6"
    card = dated_card(tmp_path) if with_dates else imported_card()
    customer = make.customer(credits="10000", plan=make.plan(card=card))

    recorded = record_all(case["file"], name, at)

    assert recorded == case["rows"]
    assert invoiced(customer, at) == Decimal(case["total_usd"])
    assert [each for each in verify_all() if each.differences] == []


def record_all(file: str, name: str, at: datetime) -> int:
    """Record each row of a file as a call; returns how many were accepted."""
    posted = (
        PostedEvent(
            customer="cus_abc123",
            idempotency_key=f"{file}:{number}",
            event_name="llm_inference",
            occurred_at=at,
            properties={"model": OURS.get(name, name), **stated},
        )
        for number, stated in enumerate(events(file, name))
    )
    batches = (record_events(events=each, received_at=at) for each in thousands(posted))
    statuses = [outcome.status for outcome in chain.from_iterable(batches)]
    return statuses.count(Status.ACCEPTED)


def thousands(posted: Iterator[PostedEvent]) -> Iterator[list[PostedEvent]]:
    while batch := [event for _, event in zip(range(1_000), posted, strict=False)]:
        yield batch


def invoiced(customer: Customer, at: datetime) -> Decimal:
    """Return the sum of a month's invoice before its lines are rounded."""
    period = period_containing(at, customer.zone)
    after = period.end + timedelta(hours=2)
    draft = draft_invoice(customer=customer, period=period, at=after)
    invoice = finalize_invoice(invoice=draft, at=after)
    return total(line.exact_amount for line in invoice.lines.all())
