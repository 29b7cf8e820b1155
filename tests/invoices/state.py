"""Months with usage in them, and their invoices."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db import connection

from billing.models import Customer, UsageEvent
from billing.periods import Period, period_containing
from billing.services.events import Outcome, PostedEvent, Status
from billing.services.metering import record_events
from invoices.models import Invoice
from invoices.services.invoicing import draft_invoice, finalize_invoice
from tests import make

NOVEMBER = period_containing(make.NOW, ZoneInfo("UTC"))
MONTH_END = datetime(2026, 12, 1, 2, tzinfo=UTC)
SEED_COST = Decimal("0.014232")

Result = TypeVar("Result")


def use(*events: PostedEvent, received_at: datetime = make.NOW) -> list[Outcome]:
    """Record events, all of which are accepted."""
    outcomes = record_events(events=events, received_at=received_at)
    assert {outcome.status for outcome in outcomes} <= {Status.ACCEPTED}
    return outcomes


def use_seed(count: int = 1) -> None:
    """Record the seed's event some times, minutes apart."""
    use(
        *(
            make.event(
                f"req_{number}", occurred_at=make.NOW - timedelta(minutes=number)
            )
            for number in range(1, count + 1)
        )
    )


def draft(customer: Customer, period: Period = NOVEMBER) -> Invoice:
    """Draft November's invoice, or another month's."""
    return draft_invoice(customer=customer, period=period, at=MONTH_END)


def final(customer: Customer, period: Period = NOVEMBER) -> Invoice:
    """Finalize November's invoice, or another month's."""
    return finalize_invoice(invoice=draft(customer, period), at=MONTH_END)


def event_of(key: str) -> UsageEvent:
    """Return the recorded event with a key."""
    return UsageEvent.objects.get(idempotency_key=key)


def at_once(action: Callable[[], Result], *, times: int = 4) -> list[Result]:
    """Do the same thing in several threads, each with a connection of its own."""

    def run(_: int) -> Result:
        try:
            return action()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(run, range(times)))
