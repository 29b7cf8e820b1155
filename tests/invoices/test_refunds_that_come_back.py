"""Refunds that fail after they had succeeded: the money came back to us."""

from decimal import Decimal
from itertools import permutations

import pytest
from django.db import IntegrityError

from invoices.models import CreditNote, DisputeStatus, Invoice, Refund
from invoices.payments import Progress
from invoices.queries.refunds import quote_refund
from ledger.money import total
from tests.invoices.refunding import (
    answer,
    assert_books_agree,
    bank_says,
    bought,
    left,
    moves,
    notes,
    provider_says_refunded,
    refund,
    send,
)
from tests.make import NOW
from tests.raw import refusal

pytestmark = pytest.mark.django_db
ORDERS = sorted({*permutations([Progress.SUCCEEDED, Progress.FAILED] * 2)})
CANCELING = """
    INSERT INTO invoices_creditnote
        (number, invoice_id, cancels_id, currency, total, reason, issued_at)
    SELECT 'CN-2026-000009', invoice_id, id, currency, %s, '', issued_at
    FROM invoices_creditnote ORDER BY id LIMIT 1
"""


def credited() -> Decimal:
    """Return what all credit notes take back."""
    return total(CreditNote.objects.values_list("total", flat=True))


@pytest.fixture
def invoice() -> Invoice:
    return bought(bonus="5")


@pytest.fixture
def returned(invoice: Invoice) -> Refund:
    """Return a refund that was sent back by the card's bank."""
    made = send(refund(invoice, "20"))
    return answer(made, Progress.FAILED, "expired_or_canceled_card")


def test_give_their_credits_back(invoice: Invoice, returned: Refund) -> None:
    assert (returned.status, returned.failure) == (
        "failed",
        "expired_or_canceled_card",
    )
    assert moves(returned)[2:] == [
        ("reversal", "refunded", 20),
        ("reversal", "promotion", 5),
    ]
    assert left(invoice) == (50, 5, 55)
    assert_books_agree()


@pytest.mark.usefixtures("returned")
def test_have_their_credit_note_canceled_by_another() -> None:
    canceling = CreditNote.objects.get(total__lt=0)

    assert notes() == [("CN-2026-000001", 20), ("CN-2026-000002", -20)]
    assert str(canceling.cancels) == "CN-2026-000001"


def test_can_be_asked_for_again(invoice: Invoice, returned: Refund) -> None:
    assert quote_refund(invoice=invoice, at=NOW).money == 50

    assert send(refund(invoice, key="key-2")).status == "succeeded"

    assert returned.payment.refunds.count() == 2
    assert credited() == 50
    assert left(invoice) == (0, 0, 0)
    assert_books_agree()


@pytest.mark.parametrize("order", ORDERS)
def test_stay_failed_whatever_comes_when(
    invoice: Invoice, order: tuple[Progress, ...]
) -> None:
    made = refund(invoice, "20")

    for progress in order:
        answer(made, progress)

    assert made.status == "failed"
    assert credited() == 0
    assert left(invoice) == (50, 5, 55)
    assert_books_agree()


def test_leave_what_went_back_in_the_providers_pages(invoice: Invoice) -> None:
    made = send(refund(invoice, "20"))
    provider_says_refunded(invoice, "35")

    answer(made, Progress.FAILED)

    assert left(invoice) == (35, 5, 40)
    assert_books_agree()


def test_leave_their_credits_to_a_dispute(invoice: Invoice) -> None:
    made = send(refund(invoice, "20"))
    bank_says(invoice, DisputeStatus.OPEN)

    answer(made, Progress.FAILED)

    assert left(invoice) == (0, 0, 0)
    assert_books_agree()


class TestDatabase:
    @pytest.mark.parametrize(
        "change",
        [
            "status = 'sent'",
            "status = 'failed', amount = 1",
            "status = 'failed', reason = 'other'",
        ],
    )
    def test_lets_a_refund_that_succeeded_fail_and_no_more(
        self, invoice: Invoice, change: str
    ) -> None:
        send(refund(invoice, "20"))

        refused = refusal(" ".join(("UPDATE invoices_refund SET", change)))

        assert "has ended" in str(refused)

    def test_cancels_none_of_a_refund_that_stands(self, invoice: Invoice) -> None:
        send(refund(invoice, "20"))

        assert "as a whole" in str(refusal(CANCELING, -20))

    @pytest.mark.usefixtures("invoice")
    @pytest.mark.parametrize("amount", [-19, 20])
    def test_cancels_no_part(self, invoice: Invoice, amount: int) -> None:
        made = send(refund(invoice, "20"))
        Refund.objects.filter(pk=made.pk).update(status="failed")

        assert "as a whole" in str(refusal(CANCELING, amount))

    def test_cancels_once(self, returned: Refund) -> None:
        canceled = returned.credit_note

        with pytest.raises(IntegrityError, match="cancels_id"):
            CreditNote.objects.create(
                invoice=canceled.invoice,
                cancels=canceled,
                number="CN-2026-000009",
                currency="USD",
                total=Decimal(-20),
                issued_at=NOW,
            )

    def test_has_none_for_nothing(self, invoice: Invoice) -> None:
        with pytest.raises(IntegrityError, match="for_a_refund_or_cancels_another"):
            make_note(invoice)


def make_note(invoice: Invoice) -> CreditNote:
    return CreditNote.objects.create(
        invoice=invoice, number="x", currency="USD", total=Decimal(1), issued_at=NOW
    )
