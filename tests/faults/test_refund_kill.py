"""A refund is cut off by `kill -9` wherever it may be; it goes back once."""

import pytest

from billing.models import User
from invoices.models import Refund, SimulatedRefund
from invoices.services.refunds import approve_refund
from ledger.models import Entry
from tests.faults.flows import killed_at, refund, sweep
from tests.invoices.refunding import (
    assert_books_agree,
    bought,
    left,
    notes,
    refunded_at_provider,
)
from tests.make import NOW

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _office() -> None:
    User.objects.create_superuser(username="ada")
    bought(bonus="5")


def assert_refunded_once() -> None:
    made = Refund.objects.get()
    assert made.status == "succeeded"
    assert SimulatedRefund.objects.count() == 1
    assert refunded_at_provider() == 20
    assert Entry.objects.filter(kind="refund").count() == 2
    assert left(made.payment.invoice) == (30, 0, 30)
    assert notes() == [("CN-2026-000001", 20)]
    assert_books_agree()


def test_one_that_nobody_was_told_of_is_swept() -> None:
    assert killed_at("refund-requested", "refund")

    sweep()

    assert_refunded_once()


def test_one_that_is_asked_for_again_is_the_same() -> None:
    assert killed_at("refund-requested", "refund")

    refund()
    sweep()

    assert_refunded_once()


def test_one_that_waits_still_waits() -> None:
    assert killed_at("refund-requested", "refund", REFUND_APPROVAL_ABOVE="19.99")
    made = Refund.objects.get()
    assert made.status == "requested"

    approve_refund(refund=made, by="bob", at=NOW)
    sweep()

    assert_refunded_once()


@pytest.mark.parametrize(
    "failpoint", ["refund-withdrawn", "refund-answered", "refund-recorded"]
)
@pytest.mark.parametrize("times", [1, 2])
def test_one_on_its_way_arrives_once(failpoint: str, times: int) -> None:
    refund()
    assert killed_at(failpoint, "send")

    for _ in range(times):
        sweep()

    assert_refunded_once()
