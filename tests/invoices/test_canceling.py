"""Canceling an order of credits that was not paid."""

import pytest

from invoices.models import Invoice, PaymentStatus, Refund, Status
from invoices.services.canceling import NotAnOrderError, cancel_purchase
from invoices.services.payments import (
    BeingChargedError,
    NotOpenError,
    mark_paid,
    start_payment,
)
from invoices.services.purchases import buy_pack
from invoices.services.top_up_runs import start_top_up
from ledger.models import CreditLot
from tests import make
from tests.invoices.refunding import assert_books_agree, bought
from tests.invoices.state import MONTH_END, final
from tests.invoices.topping_up import agree, keep_card
from tests.make import NOW
from tests.threads import run_behind

pytestmark = pytest.mark.django_db


def order() -> Invoice:
    return buy_pack(customer=make.customer(), pack=make.pack(), at=NOW)


def cancel(invoice: Invoice, *, by: str = "ada") -> Invoice:
    return cancel_purchase(invoice=invoice, by=by, at=NOW)


def pay(invoice: Invoice, reference: str) -> None:
    mark_paid(
        invoice=invoice,
        reference=reference,
        amount=invoice.amount_due,
        currency="USD",
        at=NOW,
    )


def test_an_order_is_void_then_and_says_by_whom() -> None:
    invoice = order()

    cancel(invoice)

    invoice.refresh_from_db()
    assert invoice.status == Status.VOID
    assert (invoice.voided_by, invoice.voided_at) == ("ada", NOW)


def test_canceling_again_changes_nothing() -> None:
    invoice = order()
    cancel(invoice)

    assert cancel(invoice, by="grace").voided_by == "ada"


def test_an_order_cannot_be_paid_any_more() -> None:
    invoice = order()
    cancel(invoice)

    with pytest.raises(NotOpenError):
        start_payment(invoice=invoice, at=NOW)


def test_money_that_still_comes_goes_back() -> None:
    invoice = order()
    payment = start_payment(invoice=invoice, at=NOW)
    cancel(invoice)

    pay(invoice, payment.reference)

    assert Refund.objects.get().amount == 50
    assert not CreditLot.objects.exists()
    assert_books_agree()


def test_what_is_paid_is_not_canceled() -> None:
    invoice = bought()

    with pytest.raises(NotOpenError):
        cancel(invoice)

    assert Invoice.objects.get().status == Status.PAID


def test_usage_is_owed() -> None:
    customer = make.customer(plan=make.plan(monthly_fee="20"))
    invoice = final(customer)

    with pytest.raises(NotAnOrderError):
        cancel_purchase(invoice=invoice, by="ada", at=MONTH_END)

    assert Invoice.objects.get().status == Status.OPEN


def test_what_a_kept_card_is_charged_for_is_not_canceled() -> None:
    customer = make.customer(credits="5")
    agree(customer, keep_card(customer), threshold="20")
    payment = start_top_up(customer_id=customer.pk, at=NOW)
    assert payment

    with pytest.raises(BeingChargedError):
        cancel(payment.invoice)

    payment.refresh_from_db()
    assert payment.status == PaymentStatus.PENDING
    assert Invoice.objects.get(pk=payment.invoice_id).status == Status.OPEN


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_a_payment_that_waits_for_the_cancellation_goes_back(self) -> None:
        invoice = order()
        reference = start_payment(invoice=invoice, at=NOW).reference

        run_behind(
            lambda: cancel(invoice), [lambda: pay(invoice, reference)], commit=True
        )

        assert Invoice.objects.get().status == Status.VOID
        assert Refund.objects.exists()
        assert not CreditLot.objects.exists()

    def test_a_cancellation_that_waits_for_the_payment_is_refused(self) -> None:
        invoice = order()
        reference = start_payment(invoice=invoice, at=NOW).reference

        [refused] = run_behind(
            lambda: pay(invoice, reference), [lambda: is_refused(invoice)], commit=True
        )

        assert refused
        assert Invoice.objects.get().status == Status.PAID
        assert CreditLot.objects.exists()


def is_refused(invoice: Invoice) -> bool:
    try:
        cancel(invoice)
    except NotOpenError:
        return True
    return False
