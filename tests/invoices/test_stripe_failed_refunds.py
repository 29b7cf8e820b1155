"""Refunds that Stripe announces, and that come to nothing: their sum falls."""

import pytest
from django.utils import timezone

from invoices.models import Payment, Refund
from tests import make
from tests.invoices.refunding import assert_books_agree, left, notes, refund, send
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_server import charge_of
from tests.invoices.stripe_state import open_page, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(fake: StripeFake) -> Payment:
    """Return a payment of 50 that Stripe has told us of."""
    payment = open_page()
    post("checkout.session.completed", fake.pay("cs_test_1"))
    payment.refresh_from_db()
    return payment


def fail(fake: StripeFake) -> None:
    """Have the bank return a refund of Stripe's, which tells us."""
    made = fake.refunds["re_1"]
    made |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    assert post("refund.failed", made).status_code == 200


def states() -> list[tuple[object, ...]]:
    rows = Refund.objects.order_by("pk")
    return [make.row(row.kind, row.status, row.amount) for row in rows]


def test_a_refund_that_was_announced_and_fails_returns_the_credits(
    fake: StripeFake, payment: Payment
) -> None:
    fake.refunds_end = "pending"
    send(refund(payment.invoice, "20", at=timezone.now()))
    assert post("charge.refunded", charge_of(fake, "pi_1")).status_code == 200

    fail(fake)

    assert states() == [("unused", "failed", 20)]
    assert left(payment.invoice) == (50, 50)
    assert notes() == []
    assert_books_agree()


def test_what_went_back_in_stripes_pages_meanwhile_is_taken_in(
    fake: StripeFake, payment: Payment
) -> None:
    fake.refunds_end = "pending"
    send(refund(payment.invoice, "20", at=timezone.now()))
    fake.create_refund({"payment_intent": "pi_1", "amount": "1500"})

    fail(fake)

    assert states() == [("unused", "failed", 20), ("provider", "succeeded", 15)]
    assert left(payment.invoice) == (35, 35)
    assert_books_agree()


def test_without_an_answer_the_event_comes_again(
    fake: StripeFake, payment: Payment
) -> None:
    fake.refunds_end = "pending"
    send(refund(payment.invoice, "20", at=timezone.now()))
    made = fake.refunds["re_1"]
    made["status"] = "failed"
    fake.broken = 3

    answers = [post("refund.failed", made, event_id="evt_again") for _ in range(2)]

    assert [each.status_code for each in answers] == [503, 200]
    assert states() == [("unused", "failed", 20)]
