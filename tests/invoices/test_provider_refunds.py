"""Refunds that were made in the provider's own pages: news of sums."""

from decimal import Decimal

import pytest
from django.db import IntegrityError

from billing.models.plans import Mode
from invoices.models import Payment, Refund, SimulatedPayment
from invoices.payments import ChargeRefunded, Progress
from invoices.payments.simulated import NAME
from invoices.queries.refunds import quote_refund
from invoices.services.news import act_on
from invoices.services.payments import PaymentMismatchError, UnknownPaymentError
from ledger.services import expire_wallet
from tests import make
from tests.invoices.months import customer_with, use_dollars
from tests.invoices.refunding import (
    announce_refunded,
    answer,
    assert_books_agree,
    bought,
    left,
    moves,
    notes,
    paid,
    paid_twice,
    payment_of,
    provider_says_refunded,
    refund,
    send,
    use,
)
from tests.invoices.state import final
from tests.make import NOW

pytestmark = pytest.mark.django_db


def amounts() -> list[tuple[object, ...]]:
    rows = Refund.objects.order_by("pk")
    return [make.row(row.kind, row.status, row.amount) for row in rows]


class TestSums:
    def test_each_take_what_is_more_than_is_known(self) -> None:
        invoice = bought()

        provider_says_refunded(invoice, "20.00")
        provider_says_refunded(invoice, "35.00")

        assert amounts() == [
            ("provider", "succeeded", 20),
            ("provider", "succeeded", 15),
        ]
        assert left(invoice) == (15, 15)
        assert notes() == [("CN-2026-000001", 20), ("CN-2026-000002", 15)]
        assert_books_agree()

    def test_that_come_again_or_too_late_take_nothing(self) -> None:
        invoice = bought()

        for amount in ("35", "20", "35"):
            provider_says_refunded(invoice, amount)

        assert amounts() == [("provider", "succeeded", 35)]
        assert left(invoice) == (15, 15)

    def test_hold_the_refunds_that_stand(self) -> None:
        invoice = bought()
        send(refund(invoice, "20"))
        refund(invoice, "5", key="key-2")

        provider_says_refunded(invoice, "20")
        provider_says_refunded(invoice, "25")

        assert len(amounts()) == 2
        assert left(invoice) == (25, 25)

    def test_count_again_once_a_refund_of_ours_failed(self) -> None:
        invoice = bought()
        ours = refund(invoice, "20")
        # All of it went back in the provider's pages before ours was asked for.
        provider_says_refunded(invoice, "50")
        assert left(invoice) == (0, 0)

        answer(ours, Progress.FAILED)

        assert amounts() == [
            ("unused", "failed", 20),
            ("provider", "succeeded", 30),
            ("provider", "succeeded", 20),
        ]
        assert left(invoice) == (0, 0)
        assert_books_agree()

    def test_above_what_was_paid_are_refused(self) -> None:
        ours = refund(bought(), "20")
        SimulatedPayment.objects.update(amount=60, refunded=60)

        with pytest.raises(PaymentMismatchError):
            answer(ours, Progress.FAILED)

        ours.refresh_from_db()
        assert ours.status == "withdrawn"

    @pytest.mark.parametrize(("amount", "currency"), [("50.01", "USD"), ("5", "EUR")])
    def test_that_cannot_be_are_refused(self, amount: str, currency: str) -> None:
        payment = payment_of(bought())
        news = ChargeRefunded(
            provider_reference=payment.provider_reference,
            amount_refunded=Decimal(amount),
            currency=currency,
        )

        with pytest.raises(PaymentMismatchError):
            act_on(provider=NAME, news=news, at=NOW)

    @pytest.mark.parametrize("reference", ["", "unknown"])
    def test_of_an_unknown_payment_are_refused(self, reference: str) -> None:
        bought()
        news = ChargeRefunded(
            provider_reference=reference, amount_refunded=Decimal(5), currency="USD"
        )

        with pytest.raises(UnknownPaymentError):
            act_on(provider=NAME, news=news, at=NOW)


class TestWhatIsTaken:
    def test_is_the_bonus_then_what_is_left_then_what_was_used(self) -> None:
        invoice = bought(bonus="5", used="35")
        make.lot(invoice.customer.wallet, "5")

        provider_says_refunded(invoice, "20")

        made = Refund.objects.get()
        assert moves(made) == [
            ("refund", "refunded", -15),
            ("refund", "refunded", -5),
        ]
        assert make.row(made.credits, made.overdrawn_credits) == (15, 5)
        assert left(invoice) == (0, 0, 0)
        assert_books_agree()

    def test_voids_an_unused_bonus(self) -> None:
        invoice = bought(bonus="5")

        provider_says_refunded(invoice, "20")

        assert left(invoice) == (30, 0, 30)

    def test_is_never_more_than_was_bought(self) -> None:
        invoice = bought(used="50")

        provider_says_refunded(invoice, "30")
        provider_says_refunded(invoice, "50")

        assert left(invoice) == (0, -50)
        assert_books_agree()

    def test_leaves_nothing_to_refund_when_usage_comes_back(self) -> None:
        invoice = bought()
        key = use(invoice.customer, "40")
        provider_says_refunded(invoice, "30")
        assert left(invoice) == (0, -20)

        make.void(invoice.customer, key)

        assert left(invoice) == (40, 20)
        assert quote_refund(invoice=invoice, at=NOW).money == 20

    def test_what_has_expired_is_not_owed(self) -> None:
        invoice = bought(days=30, used="10")
        wallet_id = invoice.customer.wallet_id
        later = NOW.replace(year=2027)
        expire_wallet(wallet_id=wallet_id, expired_before=later, actor="sweep")

        provider_says_refunded(invoice, "50")

        assert left(invoice) == (0, -10)
        assert_books_agree()

    def test_of_an_invoice_for_usage_is_no_credits(self) -> None:
        buyer = customer_with(Mode.POSTPAID)
        use_dollars(30)
        invoice = paid(final(buyer))

        provider_says_refunded(invoice, "10")

        assert left(invoice) == (0,)
        assert notes() == [("CN-2026-000001", 10)]
        assert_books_agree()

    def test_of_money_in_excess_is_no_credits(self) -> None:
        ours = paid_twice()
        invoice = ours.payment.invoice
        answer(ours, Progress.FAILED)

        SimulatedPayment.objects.update(refunded=50)
        announce_refunded(ours.payment, "50")

        assert amounts() == [("excess", "failed", 50), ("excess", "succeeded", 50)]
        assert left(invoice) == (50, 50)
        assert notes() == []
        assert_books_agree()


class TestDatabase:
    def test_knows_no_more_than_was_paid(self) -> None:
        bought()

        with pytest.raises(IntegrityError, match="refunded_within_amount"):
            Payment.objects.update(refunded_at_provider="50.01")
