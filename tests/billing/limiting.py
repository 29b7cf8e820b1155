"""Usage for tests of limits."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from billing.models import Customer
from tests import make
from tests.make import NOW, unique


def called(customer: Customer, seconds: Sequence[int], **properties: Any) -> None:
    """Record a customer's calls, so many seconds after now."""
    events = [
        make.event(
            f"req_{unique()}",
            customer=customer.external_id,
            occurred_at=NOW + timedelta(seconds=each),
            **properties,
        )
        for each in seconds
    ]
    latest = NOW + timedelta(seconds=max(0, *seconds, 0))
    outcomes = make.record(*events, at=latest)
    assert {outcome.status for outcome in outcomes} == {"accepted"}
