"""Disputes that were lost, and are won after all."""

from itertools import permutations

import pytest
from django.db.utils import ProgrammingError

from billing.models.plans import Mode
from invoices.models import Dispute, DisputeStatus
from invoices.payments import Progress
from invoices.queries.refunds import quote_refund
from tests.invoices.months import customer_with, use_dollars
from tests.invoices.refunding import (
    answer,
    assert_books_agree,
    bank_says,
    bought,
    left,
    paid,
    refund,
)
from tests.invoices.state import final
from tests.make import NOW

pytestmark = pytest.mark.django_db
OPEN, WON, LOST = DisputeStatus.OPEN, DisputeStatus.WON, DisputeStatus.LOST
APPEALS = sorted({*permutations([OPEN, LOST, WON])})


class TestWonOnAppeal:
    def test_returns_what_was_frozen_and_lifts_what_was_owed(self) -> None:
        invoice = bought(bonus="5", used="40")
        bank_says(invoice, LOST)
        assert left(invoice) == (0, 0, -40)

        dispute = bank_says(invoice, WON)

        assert (dispute.status, dispute.closed_at) == ("won", NOW)
        assert left(invoice) == (10, 0, 10)
        assert quote_refund(invoice=invoice, at=NOW).money == 10
        assert_books_agree()

    @pytest.mark.parametrize("order", APPEALS)
    def test_in_any_order_returns_once(self, order: list[DisputeStatus]) -> None:
        invoice = bought(used="40")

        for status in order:
            bank_says(invoice, status)
            bank_says(invoice, status)

        assert Dispute.objects.get().status == "won"
        assert left(invoice) == (10, 10)
        assert_books_agree()

    def test_lifts_what_became_owed_bit_by_bit(self) -> None:
        invoice = bought(used="40")
        ours = refund(invoice, "10")
        bank_says(invoice, LOST, "20")
        answer(ours, Progress.FAILED)
        bank_says(invoice, LOST, "30", name="dp_2")
        assert left(invoice) == (0, -40)

        bank_says(invoice, WON, "30", name="dp_2")
        bank_says(invoice, WON, "20")

        assert left(invoice) == (10, 10)
        assert_books_agree()

    def test_after_the_debt_was_settled_leaves_the_buyer_what_it_paid(self) -> None:
        invoice = bought(used="40")
        bank_says(invoice, LOST)
        later = bought(by=invoice.customer)
        assert left(later) == (10, 10)

        bank_says(invoice, WON)

        assert left(later) == (10, 60)
        assert_books_agree()

    def test_of_an_invoice_for_usage_lifts_the_debt(self) -> None:
        buyer = customer_with(Mode.POSTPAID)
        use_dollars(30)
        invoice = paid(final(buyer))
        bank_says(invoice, LOST)
        assert left(invoice) == (-30,)

        bank_says(invoice, WON)

        assert left(invoice) == (0,)
        assert_books_agree()

    def test_cannot_be_lost_any_more(self) -> None:
        invoice = bought()
        for status in (LOST, WON, LOST):
            bank_says(invoice, status)

        assert left(invoice) == (50, 50)
        with pytest.raises(ProgrammingError, match="Invalid transition"):
            Dispute.objects.update(status="lost")
