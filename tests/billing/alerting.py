"""Customers with alerts, and calls that cost whole credits."""

from decimal import Decimal
from typing import Any

from billing.models import BalanceAlert, Customer, Notice, NoticeKind
from billing.services.alerts import set_alerts
from billing.services.events import Outcome, PostedEvent
from tests import make


def alert(customer: Customer, *thresholds: str) -> list[BalanceAlert]:
    """Let a customer be told below these thresholds, and no others."""
    amounts = [Decimal(threshold) for threshold in thresholds]
    return set_alerts(customer=customer, thresholds=amounts, at=make.NOW)


def call(key: str, **more: Any) -> PostedEvent:
    """Make a call that costs 3 credits on the seed's card."""
    return make.event(key, input_tokens=0, output_tokens=250_000, **more)


def use(*keys: str) -> list[Outcome]:
    """Spend 3 credits for each key, call by call."""
    return [outcome for key in keys for outcome in make.record(call(key))]


def told(customer: Customer, kind: NoticeKind = NoticeKind.LOW_BALANCE) -> list[str]:
    """Return below what a customer was told that its credits are, in order."""
    notices = Notice.objects.filter(customer=customer, kind=kind).order_by("pk")
    return [below for notice in notices for below in notice.facts["thresholds"]]


def watched(customer: Customer) -> Decimal | None:
    """Return below which balance metering looks at a customer's alerts."""
    customer.refresh_from_db()
    return customer.watch_below
