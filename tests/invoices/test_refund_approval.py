"""Large refunds: nothing moves before a second person agrees."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import IntegrityError
from pytest_django import Settings

from invoices.models import Refund
from invoices.queries.refunds import (
    NothingToRefundError,
    RefundTooLargeError,
    quote_refund,
)
from invoices.services.refunds import (
    NotWaitingError,
    SamePersonError,
    approve_refund,
    decline_refund,
)
from ledger.models import CreditLot
from tests import make
from tests.invoices.refunding import (
    assert_books_agree,
    bought,
    left,
    refund,
    send,
    use,
)
from tests.make import NOW

pytestmark = pytest.mark.django_db


class TestApproval:
    @pytest.fixture(autouse=True)
    def _threshold(self, settings: Settings) -> None:
        settings.REFUND_APPROVAL_ABOVE = Decimal(20)

    def test_is_not_needed_up_to_the_threshold(self) -> None:
        assert refund(bought(), "20").status == "withdrawn"

    def test_is_needed_for_a_large_refund_that_is_cut_into_small_ones(self) -> None:
        invoice = bought()
        refund(invoice, "12", key="one")

        assert refund(invoice, "8", key="two").status == "withdrawn"
        assert refund(invoice, "0.01", key="three").status == "requested"

    def test_leaves_room_for_what_one_person_may_refund_alone(self) -> None:
        invoice = bought()
        approve_refund(refund=refund(invoice, "25", key="one"), by="bob", at=NOW)

        assert refund(invoice, "20", key="two").status == "withdrawn"

    def test_moves_nothing_before_it_is_given(self) -> None:
        invoice = bought(bonus="5")

        made = refund(invoice, "20.01")

        assert made.status == "requested"
        assert send(made).status == "requested"
        assert left(invoice) == (50, 5, 55)

    def test_takes_the_credits(self) -> None:
        invoice = bought()

        made = approve_refund(refund=refund(invoice, "30"), by="bob", at=NOW)

        assert (made.status, made.approved_by, made.decided_at) == (
            *("withdrawn", "bob"),
            NOW,
        )
        assert left(invoice) == (20, 20)
        assert_books_agree()

    def test_is_for_somebody_else_to_give(self) -> None:
        made = refund(bought(), "30")

        with pytest.raises(SamePersonError, match="ada asked for this refund"):
            approve_refund(refund=made, by="ada", at=NOW)

    def test_by_the_same_person_is_refused_by_the_database(self) -> None:
        refund(bought(), "30")

        with pytest.raises(IntegrityError, match="approved_by_another"):
            Refund.objects.update(status="withdrawn", approved_by="ada")

    def test_without_anybody_is_refused_by_the_database(self) -> None:
        refund(bought(), "30")

        with pytest.raises(IntegrityError, match="approved_by_another"):
            Refund.objects.update(status="withdrawn")

    def test_looks_again_at_what_is_unused(self) -> None:
        invoice = bought()
        made = refund(invoice, "30")
        use(invoice.customer, "25")

        with pytest.raises(RefundTooLargeError, match="30 USD is more than 25"):
            approve_refund(refund=made, by="bob", at=NOW)

        made.refresh_from_db()
        assert made.status == "requested"

    def test_may_be_refused(self) -> None:
        invoice = bought()

        made = decline_refund(refund=refund(invoice, "30"), by="bob", at=NOW)

        assert (made.status, made.failure) == ("declined", "declined by bob")
        assert left(invoice) == (50, 50)
        assert_books_agree()

    @pytest.mark.parametrize("decide", [approve_refund, decline_refund])
    def test_is_given_once(self, decide: Callable[..., Refund]) -> None:
        made = refund(bought(), "30")
        approve_refund(refund=made, by="bob", at=NOW)

        with pytest.raises(NotWaitingError):
            decide(refund=made, by="bob", at=NOW)

        assert CreditLot.objects.get().remaining == 20


class TestWaiting:
    @pytest.fixture(autouse=True)
    def _threshold(self, settings: Settings) -> None:
        settings.REFUND_APPROVAL_ABOVE = Decimal(20)

    def test_is_spoken_for(self) -> None:
        invoice = bought()
        refund(invoice, "30", key="one")

        quote = quote_refund(invoice=invoice, at=NOW)

        assert make.row(quote.money, quote.credits, quote.waiting) == (20, 20, 30)
        with pytest.raises(RefundTooLargeError, match=r"20\.01 USD is more than 20,"):
            refund(invoice, "20.01", key="two")

    def test_may_be_all_there_is(self) -> None:
        invoice = bought()
        refund(invoice, key="one")

        with pytest.raises(NothingToRefundError, match=r"\$50\.00 waits for approval"):
            refund(invoice, key="two")

    def test_is_free_again_once_it_is_declined(self) -> None:
        invoice = bought()
        decline_refund(refund=refund(invoice, "30"), by="bob", at=NOW)

        assert quote_refund(invoice=invoice, at=NOW).money == 50

    def test_leaves_the_money_to_the_first_that_is_approved(self) -> None:
        invoice = bought()
        first, second = (refund(invoice, "25", key=key) for key in ("one", "two"))
        use(invoice.customer, "10")

        approve_refund(refund=second, by="bob", at=NOW)

        assert left(invoice) == (15, 15)
        with pytest.raises(RefundTooLargeError, match="25 USD is more than 15,"):
            approve_refund(refund=first, by="bob", at=NOW)
