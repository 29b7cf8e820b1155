"""Charges that cannot end by themselves: they are ended, and somebody is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from pytest_django import Settings

from billing.models import Customer, NoticeKind
from invoices.models import AutoTopUp, Invoice, OffBecause, Payment, Status
from invoices.payments import PaymentNews
from invoices.payments.simulated import SimulatedProvider
from invoices.services.asking import settle_payment
from invoices.services.leases import lease_payments
from invoices.services.payments import PaymentMismatchError, start_payment
from invoices.services.purchases import buy_pack
from invoices.services.top_up_runs import start_top_up
from invoices.tasks import sweep_payments
from tests import make
from tests.billing.alerting import use
from tests.invoices.topping_up import NOW, balance, noticed, topped_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the clock in the middle of November."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def customer() -> Customer:
    """Return a customer whose card is about to be charged."""
    customer = topped_up()
    use("a")
    assert start_top_up(customer_id=customer.pk, at=NOW)
    return customer


def charge() -> Payment:
    """Return the payment by a kept card."""
    return Payment.objects.get(method__isnull=False)


class TestAnotherAmount:
    @pytest.fixture(autouse=True)
    def _charges_too_much(self, monkeypatch: pytest.MonkeyPatch) -> None:
        honest = SimulatedProvider.charge

        def answer(self: SimulatedProvider, *, payment: Payment) -> PaymentNews:
            return replace(honest(self, payment=payment), amount=payment.amount + 1)

        monkeypatch.setattr(SimulatedProvider, "charge", answer)

    def test_switches_off_and_tells_the_customer(self, customer: Customer) -> None:
        with pytest.raises(PaymentMismatchError):
            settle_payment(payment_id=charge().pk, at=NOW)

        top_up = AutoTopUp.objects.get()
        assert (top_up.is_on, top_up.pending) == (False, None)
        assert top_up.off_because == OffBecause.MISMATCH
        assert noticed(customer) == [NoticeKind.TOP_UP_OFF]
        assert balance(customer) == 7

    @pytest.mark.usefixtures("customer")
    def test_keeps_the_payment_for_a_person(self) -> None:
        with pytest.raises(PaymentMismatchError):
            settle_payment(payment_id=charge().pk, at=NOW)

        kept = charge()
        assert (kept.status, kept.invoice.status) == ("pending", Status.OPEN)
        assert kept.ask_failure.endswith("USD asked for")

    @pytest.mark.usefixtures("customer")
    def test_is_an_error_once(
        self, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(3):
            clock.shift(24 * 60 * MINUTE)
            sweep_payments()

        errors = [each for each in caplog.records if each.levelname == "ERROR"]
        assert len(errors) == 1
        assert "PaymentMismatchError" in caplog.text
        assert lease_payments(at=NOW + timedelta(days=30)) == []


class TestAnotherProvider:
    @pytest.fixture(autouse=True)
    def _changed(
        self,
        settings: Settings,
        customer: Customer,  # noqa: ARG002 - its charge began before the change.
    ) -> None:
        settings.PAYMENT_PROVIDER = "stripe"

    def test_ends_a_charge_and_tells_the_customer(
        self, customer: Customer, clock: time_machine.Traveller
    ) -> None:
        clock.shift(10 * MINUTE)

        sweep_payments()

        ended, top_up = charge(), AutoTopUp.objects.get()
        assert (ended.status, ended.failure) == ("failed", "provider changed")
        assert ended.invoice.status == Status.VOID
        assert (top_up.is_on, top_up.pending) == (False, None)
        assert top_up.off_because == OffBecause.CARD_UNUSABLE
        assert noticed(customer) == [NoticeKind.TOP_UP_OFF]

    def test_leaves_a_charge_of_a_moment_ago_alone(
        self, clock: time_machine.Traveller
    ) -> None:
        clock.shift(10 * MINUTE - timedelta(seconds=1))

        sweep_payments()
        settle_payment(payment_id=charge().pk, at=NOW + 9 * MINUTE)

        assert charge().status == "pending"
        assert AutoTopUp.objects.get().is_on

    def test_ends_a_page_and_leaves_its_invoice_open(
        self, customer: Customer, clock: time_machine.Traveller, settings: Settings
    ) -> None:
        settings.PAYMENT_PROVIDER = "simulated"
        invoice = buy_pack(customer=customer, pack=make.pack(), at=NOW)
        page = start_payment(invoice=invoice, at=NOW)
        settings.PAYMENT_PROVIDER = "stripe"
        clock.shift(10 * MINUTE)

        sweep_payments()

        page.refresh_from_db()
        assert (page.status, page.failure) == ("failed", "provider changed")
        assert Invoice.objects.get(pk=invoice.pk).status == Status.OPEN
