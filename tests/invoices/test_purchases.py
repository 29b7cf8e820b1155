from datetime import timedelta
from decimal import Decimal

import pytest

from invoices.models import Invoice, Kind, Payment, PaymentStatus, Refund, Status
from invoices.services.checkout import start_checkout
from invoices.services.payments import (
    NotOpenError,
    PaymentMismatchError,
    UnknownPaymentError,
    fail_payment,
    mark_paid,
    start_payment,
)
from invoices.services.purchases import PackNotForSaleError, buy_pack
from ledger.models import CreditLot, Source
from tests import make
from tests.invoices.state import at_once


def buy(*, price: str = "50", bonus: str = "0") -> Invoice:
    pack = make.pack(price=price, bonus=bonus)
    return buy_pack(customer=make.customer(), pack=pack, at=make.NOW)


def pay(
    invoice: Invoice, reference: str = "", amount: str = "50", currency: str = "USD"
) -> Invoice:
    return mark_paid(
        invoice=invoice,
        reference=reference or start_payment(invoice=invoice, at=make.NOW).reference,
        amount=Decimal(amount),
        currency=currency,
        at=make.NOW,
    )


@pytest.mark.django_db
class TestBuyPack:
    def test_makes_an_open_invoice_with_one_line(self) -> None:
        invoice = buy()

        [line] = invoice.lines.all()
        assert (invoice.kind, invoice.status) == (Kind.PURCHASE, Status.OPEN)
        assert invoice.number == "INV-2026-000001"
        assert invoice.total == 50
        assert invoice.amount_due == 50
        assert line.amount == 50

    def test_grants_nothing_before_it_is_paid(self) -> None:
        buy()

        assert not CreditLot.objects.exists()

    def test_refuses_a_pack_that_is_no_longer_sold(self) -> None:
        pack = make.pack()
        pack.is_active = False

        with pytest.raises(PackNotForSaleError):
            buy_pack(customer=make.customer(), pack=pack, at=make.NOW)

    def test_refuses_a_pack_in_another_currency(self) -> None:
        pack = make.pack()
        pack.currency = "EUR"

        with pytest.raises(PackNotForSaleError):
            buy_pack(customer=make.customer(), pack=pack, at=make.NOW)


@pytest.mark.django_db
class TestStartPayment:
    def test_asks_for_what_is_due(self) -> None:
        payment = start_payment(invoice=buy(), at=make.NOW)

        assert payment.amount == 50
        assert payment.currency == "USD"
        assert payment.status == PaymentStatus.PENDING
        assert payment.provider == "simulated"

    def test_takes_up_an_attempt_that_is_under_way(self) -> None:
        invoice = buy()

        first = start_payment(invoice=invoice, at=make.NOW)

        assert start_payment(invoice=invoice, at=make.NOW) == first

    def test_begins_anew_after_a_failure(self) -> None:
        invoice = buy()
        first = start_payment(invoice=invoice, at=make.NOW)
        fail_payment(payment=first, at=make.NOW)

        assert start_payment(invoice=invoice, at=make.NOW) != first

    def test_refuses_what_is_paid(self) -> None:
        invoice = pay(buy())

        with pytest.raises(NotOpenError):
            start_payment(invoice=invoice, at=make.NOW)


@pytest.mark.django_db
def test_a_checkout_leads_to_the_providers_page() -> None:
    url = start_checkout(invoice=buy(), return_url="/back/", at=make.NOW)

    reference = Payment.objects.get().reference
    assert url == f"/checkout/simulated/{reference}/?return_url=%2Fback%2F"


@pytest.mark.django_db
class TestMarkPaid:
    def test_grants_the_pack_and_its_bonus(self) -> None:
        invoice = pay(buy(bonus="5"))

        paid, bonus = CreditLot.objects.order_by("pk")
        assert invoice.status == Status.PAID
        assert invoice.amount_paid == 50
        assert paid.source == "purchase"
        assert paid.remaining == 50
        assert paid.price_paid == 50
        assert bonus.source == Source.PROMOTION
        assert bonus.remaining == 5
        assert paid.reference == f"invoice:{invoice.number}"
        assert paid.expires_at == make.NOW + timedelta(days=365)

    def test_notes_the_payment(self) -> None:
        pay(buy())

        payment = Payment.objects.get()
        assert (payment.status, payment.ended_at) == ("succeeded", make.NOW)

    def test_a_second_time_grants_nothing_more(self) -> None:
        invoice = buy()
        payment = start_payment(invoice=invoice, at=make.NOW)

        pay(invoice, payment.reference)
        pay(invoice, payment.reference)

        assert CreditLot.objects.count() == 1

    def test_a_second_payment_of_a_paid_invoice_grants_nothing_and_goes_back_once(
        self,
    ) -> None:
        invoice = buy()
        first = start_payment(invoice=invoice, at=make.NOW)
        fail_payment(payment=first, at=make.NOW)
        pay(invoice)

        pay(invoice, first.reference)
        pay(invoice, first.reference)

        refund = Refund.objects.get()
        assert CreditLot.objects.count() == 1
        assert refund.payment == first
        assert refund.amount == 50
        assert (refund.kind, refund.status) == ("excess", "withdrawn")

    @pytest.mark.parametrize(
        ("amount", "currency"), [("49.99", "USD"), ("50.01", "USD"), ("50", "EUR")]
    )
    def test_refuses_another_amount_or_currency(
        self, amount: str, currency: str
    ) -> None:
        invoice = buy()

        with pytest.raises(PaymentMismatchError, match="50"):
            pay(invoice, amount=amount, currency=currency)

        assert not CreditLot.objects.exists()
        assert Payment.objects.get().status == PaymentStatus.PENDING

    def test_refuses_another_invoices_payment(self) -> None:
        invoice = buy()

        with pytest.raises(UnknownPaymentError):
            pay(invoice, "of another")

    def test_money_for_a_void_invoice_grants_nothing_and_goes_back_once(self) -> None:
        invoice = buy()
        payment = start_payment(invoice=invoice, at=make.NOW)
        Invoice.objects.update(status=Status.VOID)

        pay(invoice, payment.reference)
        pay(invoice, payment.reference)

        assert not CreditLot.objects.exists()
        assert Refund.objects.get().amount == 50
        assert Payment.objects.get().status == PaymentStatus.SUCCEEDED

    def test_grants_nothing_if_the_invoice_cannot_be_paid(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invoice = buy()
        monkeypatch.setattr("invoices.services.payments.grant_pack", _fail)

        with pytest.raises(ZeroDivisionError):
            pay(invoice)

        assert Invoice.objects.get().status == Status.OPEN
        assert Payment.objects.get().status == PaymentStatus.PENDING


def _fail(**_: object) -> None:
    raise ZeroDivisionError


@pytest.mark.django_db
class TestFailPayment:
    def test_leaves_the_invoice_open(self) -> None:
        payment = start_payment(invoice=buy(), at=make.NOW)

        fail_payment(payment=payment, at=make.NOW)

        assert Payment.objects.get().status == PaymentStatus.FAILED
        assert Invoice.objects.get().status == Status.OPEN

    def test_changes_nothing_once_it_succeeded(self) -> None:
        invoice = buy()
        payment = start_payment(invoice=invoice, at=make.NOW)
        pay(invoice, payment.reference)

        fail_payment(payment=payment, at=make.NOW)

        assert Payment.objects.get().status == PaymentStatus.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_starting_to_pay_at_once_starts_one_payment() -> None:
    invoice = buy()

    payments = at_once(lambda: start_payment(invoice=invoice, at=make.NOW), times=2)

    assert payments[0] == payments[1] == Payment.objects.get()
    assert payments[0].status == PaymentStatus.PENDING


@pytest.mark.django_db(transaction=True)
def test_paying_at_once_grants_once() -> None:
    invoice = buy()
    payment = start_payment(invoice=invoice, at=make.NOW)

    at_once(lambda: pay(invoice, payment.reference))

    assert CreditLot.objects.count() == 1
