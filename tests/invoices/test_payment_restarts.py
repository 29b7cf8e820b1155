"""Attempts to pay that another one takes the place of."""

from decimal import Decimal

import pytest

from invoices.models import (
    Invoice,
    Payment,
    PaymentMethod,
    PaymentStatus,
    Refund,
    RefundKind,
    Status,
)
from invoices.payments import Card
from invoices.services.payments import (
    NotOpenError,
    mark_paid,
    restart_payment,
    start_payment,
)
from invoices.services.purchases import buy_credits
from ledger.models import CreditLot
from tests import make
from tests.invoices.refunding import assert_books_agree
from tests.make import NOW

pytestmark = pytest.mark.django_db
CARD = Card("cus_1", "pm_1", "Visa ending in 4242")


@pytest.fixture
def invoice() -> Invoice:
    return buy_credits(customer=make.customer(), amount=Decimal(5), at=NOW)


def pay(payment: Payment) -> Invoice:
    return mark_paid(
        invoice=payment.invoice,
        reference=payment.reference,
        amount=Decimal(5),
        currency="USD",
        card=CARD,
        at=NOW,
    )


def ends() -> list[tuple[str, str]]:
    payments = Payment.objects.order_by("pk")
    return list(payments.values_list("status", "failure"))


class TestConsent:
    def test_that_was_taken_back_keeps_no_card(self, invoice: Invoice) -> None:
        start_payment(invoice=invoice, saves_method=True, at=NOW)

        second = start_payment(invoice=invoice, saves_method=False, at=NOW)
        pay(second)

        assert ends() == [("failed", "begun anew"), ("succeeded", "")]
        assert not PaymentMethod.objects.exists()

    def test_that_was_given_later_keeps_the_card(self, invoice: Invoice) -> None:
        start_payment(invoice=invoice, at=NOW)

        pay(start_payment(invoice=invoice, saves_method=True, at=NOW))

        assert PaymentMethod.objects.get().label == CARD.label

    def test_that_is_the_same_takes_the_attempt_up(self, invoice: Invoice) -> None:
        first = start_payment(invoice=invoice, saves_method=True, at=NOW)

        assert start_payment(invoice=invoice, saves_method=True, at=NOW) == first

    @pytest.mark.parametrize("saves_method", [True, False])
    def test_does_not_end_the_charge_of_a_kept_card(
        self, saves_method: bool, invoice: Invoice
    ) -> None:
        pay(start_payment(invoice=invoice, saves_method=True, at=NOW))
        another = buy_credits(customer=invoice.customer, amount=Decimal(5), at=NOW)
        charge = start_payment(
            invoice=another, method=PaymentMethod.objects.get(), at=NOW
        )

        with pytest.raises(NotOpenError):
            start_payment(invoice=another, saves_method=saves_method, at=NOW)

        charge.refresh_from_db()
        assert charge.status == PaymentStatus.PENDING


class TestALateSuccess:
    def test_of_the_first_pays_the_invoice(self, invoice: Invoice) -> None:
        first = start_payment(invoice=invoice, saves_method=True, at=NOW)
        start_payment(invoice=invoice, at=NOW)

        assert pay(first).status == Status.PAID
        assert CreditLot.objects.get().granted == 5

    def test_of_both_goes_back_once(self, invoice: Invoice) -> None:
        first = start_payment(invoice=invoice, saves_method=True, at=NOW)
        second = start_payment(invoice=invoice, at=NOW)

        pay(second)
        pay(first)

        refund = Refund.objects.get()
        assert (refund.payment, refund.kind) == (first, RefundKind.EXCESS)
        assert CreditLot.objects.get().granted == 5
        assert_books_agree()


class TestRestartPayment:
    def test_begins_another_like_it(self, invoice: Invoice) -> None:
        first = start_payment(
            invoice=invoice, return_url="/back/", saves_method=True, at=NOW
        )

        second = restart_payment(payment=first, at=NOW)

        assert ends() == [("failed", "begun anew"), ("pending", "")]
        assert second.reference != first.reference
        assert (second.return_url, second.saves_method) == ("/back/", True)

    def test_twice_is_once(self, invoice: Invoice) -> None:
        first = start_payment(invoice=invoice, at=NOW)

        second = restart_payment(payment=first, at=NOW)

        assert restart_payment(payment=first, at=NOW) == second
        assert Payment.objects.count() == 2

    def test_refuses_what_was_paid_meanwhile(self, invoice: Invoice) -> None:
        first = start_payment(invoice=invoice, at=NOW)
        pay(first)

        with pytest.raises(NotOpenError):
            restart_payment(payment=first, at=NOW)

        assert ends() == [("succeeded", "")]
