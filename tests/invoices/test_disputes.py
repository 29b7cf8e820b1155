"""Chargebacks: frozen while they are open, returned or owed once they are decided."""

from decimal import Decimal
from itertools import permutations

import pytest
from django.db.utils import ProgrammingError

from billing.models.plans import Mode
from invoices.models import Dispute, DisputeStatus, Refund
from invoices.payments import DisputeNews, Progress
from invoices.payments.simulated import NAME
from invoices.queries.refunds import quote_refund
from invoices.services.news import act_on
from invoices.services.payments import UnknownPaymentError
from ledger.models import Entry
from tests import make
from tests.invoices.months import customer_with, use_dollars
from tests.invoices.refunding import (
    answer,
    assert_books_agree,
    bank_says,
    bought,
    left,
    moves,
    paid,
    paid_twice,
    provider_says_refunded,
    refund,
    send,
    use,
)
from tests.invoices.state import final
from tests.make import NOW

pytestmark = pytest.mark.django_db
OPEN, WON, LOST = DisputeStatus.OPEN, DisputeStatus.WON, DisputeStatus.LOST
ORDERS = sorted({*permutations([OPEN, LOST, OPEN, LOST])})


class TestOpen:
    def test_freezes_what_is_left_the_bonus_whole(self) -> None:
        invoice = bought(bonus="5")
        use(invoice.customer, "2")

        dispute = bank_says(invoice, OPEN)

        assert moves(dispute) == [
            ("dispute", "promotion", -3),
            ("dispute", "refunded", -50),
        ]
        assert make.row(dispute.credits, dispute.bonus_credits) == (50, 3)
        assert left(invoice) == (0, 0, 0)
        assert_books_agree()

    def test_freezes_no_more_than_is_disputed(self) -> None:
        invoice = bought()

        bank_says(invoice, OPEN, "20")

        assert left(invoice) == (30, 30)

    def test_owes_nothing_yet(self) -> None:
        invoice = bought(used="40")

        bank_says(invoice, OPEN)

        assert left(invoice) == (0, 0)
        assert_books_agree()

    def test_leaves_other_purchases_alone(self) -> None:
        invoice = bought()
        other = bought(by=invoice.customer)

        bank_says(invoice, OPEN)

        assert left(other) == (50, 50)

    def test_told_twice_freezes_once(self) -> None:
        invoice = bought()

        for _ in range(2):
            dispute = bank_says(invoice, OPEN, "20")

        assert len(moves(dispute)) == 1
        assert left(invoice) == (30, 30)


class TestWon:
    def test_returns_what_was_frozen(self) -> None:
        invoice = bought(bonus="5")
        bank_says(invoice, OPEN)

        dispute = bank_says(invoice, WON)

        assert (dispute.status, dispute.closed_at) == ("won", NOW)
        assert left(invoice) == (50, 5, 55)
        assert quote_refund(invoice=invoice, at=NOW).money == 50
        assert_books_agree()

    def test_told_first_freezes_nothing(self) -> None:
        invoice = bought()

        for status in (WON, OPEN, WON):
            dispute = bank_says(invoice, status)

        assert (dispute.status, moves(dispute)) == ("won", [])
        assert left(invoice) == (50, 50)


class TestLost:
    def test_owes_what_was_used(self) -> None:
        invoice = bought(used="40")
        bank_says(invoice, OPEN)

        dispute = bank_says(invoice, LOST)

        assert moves(dispute) == [
            ("dispute", "refunded", -10),
            ("dispute", "refunded", -40),
        ]
        assert make.row(dispute.credits, dispute.overdrawn_credits) == (10, 40)
        assert left(invoice) == (0, -40)
        assert_books_agree()

    def test_of_a_part_owes_only_that(self) -> None:
        invoice = bought(used="40")

        bank_says(invoice, LOST, "20")

        assert left(invoice) == (0, -10)

    @pytest.mark.parametrize("order", ORDERS)
    def test_in_any_order_owes_once(self, order: list[DisputeStatus]) -> None:
        invoice = bought(used="40")

        for status in order:
            bank_says(invoice, status)

        assert Dispute.objects.get().status == "lost"
        assert left(invoice) == (0, -40)

    def test_takes_what_came_back_meanwhile(self) -> None:
        invoice = bought()
        key = use(invoice.customer, "40")
        bank_says(invoice, OPEN)
        make.void(invoice.customer, key)
        assert left(invoice) == (40, 40)

        bank_says(invoice, LOST)

        assert left(invoice) == (0, 0)
        assert_books_agree()

    def test_stays_lost(self) -> None:
        invoice = bought()
        bank_says(invoice, LOST)

        assert bank_says(invoice, WON).status == "lost"
        assert left(invoice) == (0, 0)
        with pytest.raises(ProgrammingError, match="Invalid transition"):
            Dispute.objects.update(status="won")

    def test_leaves_nothing_to_refund(self) -> None:
        invoice = bought()
        bank_says(invoice, LOST, "20")

        assert quote_refund(invoice=invoice, at=NOW).money == 30

    def test_of_an_invoice_for_usage_brings_the_debt_back(self) -> None:
        buyer = customer_with(Mode.POSTPAID, fee="20")
        use_dollars(30)
        invoice = paid(final(buyer))
        assert left(invoice) == (0,)

        bank_says(invoice, OPEN)
        assert left(invoice) == (0,)
        for _ in range(2):
            bank_says(invoice, LOST)

        assert left(invoice) == (-30,)
        assert_books_agree()


class TestWithRefunds:
    def test_takes_once_what_a_refund_has_taken(self) -> None:
        invoice = bought(bonus="5", used="10")
        refund(invoice, "20")

        bank_says(invoice, LOST)

        assert left(invoice) == (0, 0, -10)
        assert_books_agree()

    @pytest.mark.parametrize("status", [OPEN, LOST])
    def test_holds_the_credits_of_a_refund_that_fails(
        self, status: DisputeStatus
    ) -> None:
        invoice = bought(bonus="5", used="10")
        ours = refund(invoice, "20")
        bank_says(invoice, status)

        answer(ours, Progress.FAILED)

        assert left(invoice) == (0, 0, 0 if status == OPEN else -10)
        assert Dispute.objects.get().credits == 40
        assert_books_agree()

    def test_that_is_won_returns_what_a_failed_refund_left(self) -> None:
        invoice = bought(bonus="5")
        ours = refund(invoice, "20")
        bank_says(invoice, OPEN)
        answer(ours, Progress.FAILED)

        bank_says(invoice, WON)

        assert left(invoice) == (50, 5, 55)
        assert_books_agree()

    def test_that_is_won_keeps_what_was_refunded_meanwhile(self) -> None:
        invoice = bought()
        bank_says(invoice, OPEN)
        provider_says_refunded(invoice, "20")

        bank_says(invoice, WON)

        assert left(invoice) == (30, 30)
        assert Refund.objects.get().credits == 20
        assert_books_agree()

    def test_that_is_lost_takes_once_what_was_refunded_too(self) -> None:
        invoice = bought(used="40")
        bank_says(invoice, LOST)

        provider_says_refunded(invoice, "50")

        assert left(invoice) == (0, -40)
        assert_books_agree()

    def test_after_a_refund_at_the_provider_takes_only_the_rest(self) -> None:
        invoice = bought(used="40")
        provider_says_refunded(invoice, "30")
        assert left(invoice) == (0, -20)

        bank_says(invoice, LOST)

        assert left(invoice) == (0, -40)
        assert_books_agree()

    def test_of_money_in_excess_takes_nothing(self) -> None:
        ours = paid_twice()
        answer(ours, Progress.FAILED)
        news = DisputeNews(
            provider_reference=ours.payment.provider_reference,
            dispute="dp_1",
            status=LOST,
            amount=ours.amount,
            currency="USD",
        )

        act_on(provider=NAME, news=news, at=NOW)

        assert left(ours.payment.invoice) == (50, 50)
        assert_books_agree()

    def test_two_of_one_payment_take_no_more_than_was_paid(self) -> None:
        invoice = bought(used="40")

        for number in (1, 2):
            bank_says(invoice, LOST, "30", name=f"dp_{number}")

        assert left(invoice) == (0, -40)
        assert_books_agree()

    def test_a_refund_under_way_still_ends(self) -> None:
        invoice = bought()
        ours = refund(invoice, "20")
        bank_says(invoice, OPEN)

        assert send(ours).status == "succeeded"
        assert left(invoice) == (0, 0)
        assert_books_agree()


def test_of_an_unknown_payment_is_refused() -> None:
    bought()
    news = DisputeNews(
        provider_reference="unknown",
        dispute="dp_1",
        status=OPEN,
        amount=Decimal(50),
        currency="USD",
    )

    with pytest.raises(UnknownPaymentError):
        act_on(provider=NAME, news=news, at=NOW)

    assert not Entry.objects.filter(kind="dispute").exists()
