"""What refunds, disputes and payments were made for, which nobody may rewrite."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from invoices.models import DisputeStatus, Payment
from invoices.services.payments import fail_payment, start_payment
from invoices.services.purchases import buy_pack
from tests import make
from tests.invoices.refunding import bank_says, bought, refund
from tests.make import NOW
from tests.raw import RESTRICTED, owner_refusal, refusal

pytestmark = pytest.mark.django_db
KEPT = "stays what it was made for"
LATER = "+ interval '1 second'"


def is_refused(statement: str) -> bool:
    """Tell whether both the application and the owner of the tables are refused."""
    refusals = (refusal(statement), owner_refusal(statement))
    return all(isinstance(each, RESTRICTED) and KEPT in str(each) for each in refusals)


def begun() -> Payment:
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=NOW)
    return start_payment(invoice=invoice, at=NOW)


@pytest.mark.parametrize("allowed_alone", ["10", "100"])
@pytest.mark.parametrize(
    "change",
    [
        "payment_id = payment_id + 1",
        "kind = 'provider'",
        "key = 'other'",
        "currency = 'EUR'",
        "amount = 19",
        "reason = 'other'",
        "requested_by = 'eve'",
        f"requested_at = requested_at {LATER}",
        "approval_above = 1000",
    ],
)
def test_a_refund_keeps_its_terms(
    change: str, allowed_alone: str, settings: Settings
) -> None:
    settings.REFUND_APPROVAL_ABOVE = Decimal(allowed_alone)
    refund(bought(), "20")

    assert is_refused(" ".join(("UPDATE invoices_refund SET", change)))


def test_nobody_lets_a_refund_go_by_raising_what_needs_no_approval(
    settings: Settings,
) -> None:
    settings.REFUND_APPROVAL_ABOVE = Decimal(10)
    refund(bought(), "20")

    assert is_refused(
        "UPDATE invoices_refund SET approval_above = 1000, status = 'withdrawn'"
    )


@pytest.mark.parametrize("allowed_alone", ["10", "100"])
def test_no_refund_is_deleted(allowed_alone: str, settings: Settings) -> None:
    settings.REFUND_APPROVAL_ABOVE = Decimal(allowed_alone)
    refund(bought(), "20")

    assert is_refused("DELETE FROM invoices_refund")


@pytest.mark.parametrize(
    "change",
    [
        "payment_id = payment_id + 1",
        "reference = 'dp_2'",
        "currency = 'EUR'",
        "amount = 1",
        f"opened_at = opened_at {LATER}",
    ],
)
def test_a_dispute_keeps_its_terms(change: str) -> None:
    bank_says(bought(), DisputeStatus.OPEN)

    assert is_refused(" ".join(("UPDATE invoices_dispute SET", change)))


def test_no_dispute_is_deleted() -> None:
    invoice = bought()
    bank_says(invoice, DisputeStatus.OPEN)
    bank_says(invoice, DisputeStatus.LOST)

    assert is_refused("DELETE FROM invoices_dispute")


@pytest.mark.parametrize(
    "change",
    [
        "invoice_id = invoice_id + 1",
        "provider = 'another'",
        "reference = 'other'",
        "currency = 'EUR'",
        "amount = 1",
        f"started_at = started_at {LATER}",
    ],
)
def test_a_payment_under_way_keeps_its_terms(change: str) -> None:
    begun()

    assert is_refused(" ".join(("UPDATE invoices_payment SET", change)))


def test_no_payment_is_deleted() -> None:
    payment = begun()

    assert is_refused("DELETE FROM invoices_payment")

    fail_payment(payment=payment, at=NOW)
    assert is_refused("DELETE FROM invoices_payment")
