"""Calls that failed without output are stored, and free where the plan says so."""

from decimal import Decimal
from typing import Any

import pytest

from billing.models import Charge, UsageEvent
from billing.services.events import Outcome, Status
from tests import audit, http, make

pytestmark = pytest.mark.django_db


def failed(key: str = "a", **more: object) -> Outcome:
    stated: dict[str, Any] = {"status": 500, "output_tokens": 0, **more}
    [outcome] = make.record(make.event(key, **stated))
    return outcome


def test_it_is_stored_costs_nothing_and_says_why() -> None:
    make.customer(credits="9")

    outcome = failed()

    assert outcome.status is Status.ACCEPTED
    assert outcome.cost == 0
    assert outcome.waived == "failed_call"
    assert outcome.balance == 9
    assert UsageEvent.objects.get().waived == "failed_call"
    assert not Charge.objects.exists()
    assert audit.differences() == []


def test_a_duplicate_says_so_too() -> None:
    make.customer(credits="9")
    failed()

    again = failed()

    assert (again.status, again.waived) == (Status.DUPLICATE, "failed_call")


def test_what_was_generated_before_the_error_is_charged() -> None:
    make.customer(credits="9")

    outcome = failed(output_tokens=1)

    assert outcome.waived == ""
    assert outcome.cost == Decimal("0.001248")


def test_a_plan_may_charge_for_them() -> None:
    make.customer(credits="9", plan=make.plan(waives_failed_calls=False))

    assert failed().cost == Decimal("0.001236")


def test_the_api_says_so() -> None:
    make.customer(credits="9")
    body = http.SEED.replace(
        '"output_tokens": 1083', '"output_tokens": 0, "status": "error"'
    )

    answer = http.post(body).json()

    assert (answer["cost"], answer["waived"]) == ("0", "failed_call")
