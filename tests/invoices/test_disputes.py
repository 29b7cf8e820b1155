"""Chargebacks: frozen while they are open, returned or owed once they are decided."""

from decimal import Decimal
from itertools import permutations

import pytest

from billing.models.plans import Mode
from invoices.models import Dispute, DisputeStatus
from invoices.payments import DisputeNews
from invoices.payments.simulated import NAME
from invoices.queries.refunds import quote_refund
from invoices.services.news import act_on
from invoices.services.payments import PaymentMismatchError, UnknownPaymentError
from ledger.models import Entry
from tests import make
from tests.invoices.months import customer_with, use_dollars
from tests.invoices.refunding import (
    assert_books_agree,
    bank_says,
    bought,
    left,
    moves,
    paid,
    payment_of,
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

    def test_told_again_after_usage_came_back_freezes_none_of_it(self) -> None:
        invoice = bought()
        keys = [use(invoice.customer, "20") for _ in range(2)]
        bank_says(invoice, LOST)
        make.void(invoice.customer, keys[0])
        assert left(invoice) == (20, -20)

        bank_says(invoice, LOST)

        assert left(invoice) == (20, -20)
        assert_books_agree()

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

    def test_twice_of_one_invoice_for_usage_owes_no_more_than_was_used(self) -> None:
        buyer = customer_with(Mode.POSTPAID, fee="20")
        use_dollars(30)
        invoice = paid(final(buyer))

        for number in (1, 2):
            bank_says(invoice, LOST, "25", name=f"dp_{number}")

        assert left(invoice) == (-30,)
        assert_books_agree()


class TestMoney:
    def test_above_what_was_paid_is_all_of_it(self) -> None:
        invoice = bought()

        dispute = bank_says(invoice, OPEN, "65")

        assert dispute.amount == 50
        assert left(invoice) == (0, 0)
        assert_books_agree()

    def test_in_another_currency_is_refused(self) -> None:
        invoice = bought()
        news = news_of(payment_of(invoice).provider_reference, currency="EUR")

        with pytest.raises(PaymentMismatchError, match="EUR is disputed"):
            act_on(provider=NAME, news=news, at=NOW)

        assert not Dispute.objects.exists()
        assert left(invoice) == (50, 50)


def test_of_an_unknown_payment_is_refused() -> None:
    bought()

    with pytest.raises(UnknownPaymentError):
        act_on(provider=NAME, news=news_of("unknown"), at=NOW)

    assert not Entry.objects.filter(kind="dispute").exists()


def news_of(reference: str, *, currency: str = "USD") -> DisputeNews:
    return DisputeNews(
        provider_reference=reference,
        dispute="dp_1",
        status=OPEN,
        amount=Decimal(50),
        currency=currency,
    )
