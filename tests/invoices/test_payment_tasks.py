"""What the clock does about payments: it finds its work in the database."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from billing.models import Customer
from invoices.models import (
    AutoTopUp,
    Invoice,
    Payment,
    PaymentStatus,
    SimulatedPayment,
    Status,
)
from invoices.payments import ProviderError
from invoices.payments.simulated import Choice, SimulatedProvider, choose
from invoices.services.checkout import start_checkout
from invoices.services.purchases import buy_pack
from invoices.services.top_up_runs import start_top_up
from invoices.tasks import run_top_ups, sweep_payments
from ledger.models import CreditLot
from tests import make
from tests.billing.alerting import use
from tests.invoices.topping_up import balance, topped_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the clock in the middle of November."""
    with time_machine.travel(make.NOW, tick=False) as clock:
        yield clock


class TestRunTopUps:
    def test_buys_for_each_customer_whose_credits_ran_low(self) -> None:
        customer = topped_up()
        use("a")

        run_top_ups()

        assert balance(customer) == 27

    def test_run_again_buys_nothing_more(self) -> None:
        customer = topped_up()
        use("a")

        for _ in range(3):
            run_top_ups()

        assert balance(customer) == 27
        assert SimulatedPayment.objects.count() == 1

    def test_leaves_a_charge_to_who_has_it_for_a_minute(
        self, clock: time_machine.Traveller
    ) -> None:
        customer = topped_up()
        use("a")
        start_top_up(customer_id=customer.pk, at=make.NOW)

        clock.shift(MINUTE - SECOND)
        sweep_payments()
        assert balance(customer) == 7

        clock.shift(SECOND)
        sweep_payments()
        assert balance(customer) == 27

    def test_survives_a_provider_that_is_down(
        self,
        clock: time_machine.Traveller,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        customer = topped_up()
        use("a")
        with monkeypatch.context() as patch:
            patch.setattr(SimulatedProvider, "charge", _is_down)
            run_top_ups()
        assert AutoTopUp.objects.get().pending
        # No error of the task, which asks again.
        assert caplog.text == ""

        clock.shift(MINUTE)
        sweep_payments()

        assert balance(customer) == 27
        assert Payment.objects.filter(method__isnull=False).count() == 1

    def test_goes_on_where_a_worker_died_after_the_charge(
        self, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        customer = topped_up()
        use("a")
        with monkeypatch.context() as patch:
            patch.setattr("invoices.services.asking.act_on", _die)
            run_top_ups()
        assert SimulatedPayment.objects.get().is_paid

        clock.shift(MINUTE)
        sweep_payments()

        assert balance(customer) == 27
        assert SimulatedPayment.objects.count() == 1


class TestSweepPayments:
    @pytest.fixture
    def customer(self) -> Customer:
        """Return a customer on the page of a pack that it buys."""
        customer = make.customer()
        invoice = buy_pack(customer=customer, pack=make.pack(), at=make.NOW)
        start_checkout(invoice=invoice, return_url="/", at=make.NOW)
        return customer

    def test_credits_once_what_was_paid_and_never_told(
        self, customer: Customer, clock: time_machine.Traveller
    ) -> None:
        choose(reference=Payment.objects.get().reference, choice=Choice.PAY)
        clock.shift(10 * MINUTE)

        for _ in range(2):
            sweep_payments()

        assert CreditLot.objects.get().granted == 50
        assert balance(customer) == 50
        assert Invoice.objects.get().status == Status.PAID

    def test_has_patience(
        self, customer: Customer, clock: time_machine.Traveller
    ) -> None:
        choose(reference=Payment.objects.get().reference, choice=Choice.PAY)
        clock.shift(10 * MINUTE - SECOND)

        sweep_payments()

        assert balance(customer) == 0

    def test_leaves_a_page_that_was_left_to_be_taken_up(
        self, customer: Customer, clock: time_machine.Traveller
    ) -> None:
        clock.shift(24 * 60 * MINUTE)
        sweep_payments()
        assert Payment.objects.get().status == PaymentStatus.PENDING

        choose(reference=Payment.objects.get().reference, choice=Choice.PAY)
        clock.shift(10 * MINUTE)
        sweep_payments()

        assert balance(customer) == 50

    @pytest.mark.usefixtures("customer")
    def test_fails_a_page_that_has_expired(self, clock: time_machine.Traveller) -> None:
        clock.shift(24 * 60 * MINUTE + SECOND)

        sweep_payments()

        assert Payment.objects.get().status == PaymentStatus.FAILED
        assert Invoice.objects.get().status == Status.OPEN

    def test_asks_again_a_provider_that_was_down(
        self,
        customer: Customer,
        clock: time_machine.Traveller,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        choose(reference=Payment.objects.get().reference, choice=Choice.PAY)
        clock.shift(10 * MINUTE)
        with monkeypatch.context() as patch:
            patch.setattr(SimulatedProvider, "ask", _is_down)
            sweep_payments()
        assert balance(customer) == 0

        clock.shift(10 * MINUTE)
        sweep_payments()

        assert balance(customer) == Decimal(50)


def _is_down(*_: object, **__: object) -> None:
    raise ProviderError


def _die(*_: object, **__: object) -> None:
    raise ZeroDivisionError
