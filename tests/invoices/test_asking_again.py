"""Providers are asked less and less often about what does not end."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from pytest_django import Settings

from invoices.models import Payment, PaymentStatus, Refund
from invoices.payments import ProviderError, RefusedError, UnknownProviderError
from invoices.payments.simulated import SimulatedProvider
from invoices.services.asking import settle_payment
from invoices.services.leases import lease_payments, lease_refunds
from invoices.services.payments import mark_paid, start_payment
from invoices.services.purchases import buy_pack
from invoices.services.top_up_runs import start_top_up
from invoices.tasks import send_refund
from invoices.tasks import settle_payment as settle_payment_task
from tests import make
from tests.billing.alerting import use
from tests.invoices.refunding import bought, refund, send
from tests.invoices.topping_up import topped_up
from tests.make import NOW
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def begin() -> Payment:
    """Begin to pay for a pack on a page."""
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=NOW)
    return start_payment(invoice=invoice, at=NOW)


def charge() -> Payment:
    """Begin to charge a kept card for an auto top-up."""
    customer = topped_up()
    use("a")
    payment = start_top_up(customer_id=customer.pk, at=NOW)
    assert payment
    return payment


def minutes_asked(lease: Callable[..., list[int]], since: datetime) -> list[int]:
    """Look every minute for a day; returns the minutes in which something was due."""
    minutes = range(24 * 60 + 1)
    return [each for each in minutes if lease(at=since + each * MINUTE)]


class TestPayments:
    def test_on_a_page_are_asked_about_less_and_less_often(self) -> None:
        begin()

        asked = minutes_asked(lease_payments, NOW)

        assert asked == [10, 20, 40, 80, 160, 320, 640, 1000, 1360]
        assert Payment.objects.get().asked == 9

    def test_by_a_kept_card_are_taken_up_after_a_minute(self) -> None:
        charge()

        asked = minutes_asked(lease_payments, NOW)

        assert asked[:4] == [1, 11, 31, 71]

    def test_that_have_ended_are_asked_about_no_more(self) -> None:
        payment = begin()
        lease_payments(at=NOW + 10 * MINUTE)
        mark_paid(
            invoice=payment.invoice,
            reference=payment.reference,
            amount=payment.amount,
            currency="USD",
            at=NOW,
        )

        assert lease_payments(at=NOW + 30 * 24 * 60 * MINUTE) == []

    def test_are_leased_so_many_at_a_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invoices.services.leases.BATCH", 2)
        customer, pack = make.customer(), make.pack()
        for _ in range(3):
            invoice = buy_pack(customer=customer, pack=pack, at=NOW)
            start_payment(invoice=invoice, at=NOW)

        later = NOW + 10 * MINUTE

        assert [len(lease_payments(at=later)) for _ in range(3)] == [2, 1, 0]

    def test_keep_why_they_were_asked_about_in_vain(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment = begin()
        monkeypatch.setattr(SimulatedProvider, "ask", _raising(ProviderError("down")))

        with pytest.raises(ProviderError):
            settle_payment(payment_id=payment.pk, at=NOW)

        payment.refresh_from_db()
        assert (payment.status, payment.ask_failure) == (PaymentStatus.PENDING, "down")

    def test_that_their_provider_refuses_are_logged_as_errors(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        payment = begin()
        refused = RefusedError("resource_missing")
        monkeypatch.setattr(SimulatedProvider, "ask", _raising(refused))

        settle_payment_task(payment_id=payment.pk)

        [record] = caplog.records
        assert record.levelname == "ERROR"
        assert record.getMessage() == f"Payment {payment.pk} is refused by its provider"


class TestRefunds:
    def test_are_asked_for_less_and_less_often(self) -> None:
        made = refund(bought(), "20")
        assert made.withdrawn_at

        asked = minutes_asked(lease_refunds, made.withdrawn_at)

        assert asked == [1, 11, 31, 71, 151, 311, 631, 991, 1351]
        made.refresh_from_db()
        assert made.asked == 9

    def test_that_have_ended_are_asked_for_no_more(self) -> None:
        send(refund(bought(), "20"))

        assert lease_refunds(at=NOW + 3650 * 24 * 60 * MINUTE) == []

    def test_that_their_provider_cannot_know_say_so(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        made = refund(bought(), "20")
        refused = RefusedError("resource_missing")
        monkeypatch.setattr(SimulatedProvider, "refund", _raising(refused))

        send_refund(refund_id=made.pk)

        made.refresh_from_db()
        assert (made.status, made.ask_failure) == ("withdrawn", "resource_missing")
        [record] = caplog.records
        assert record.levelname == "ERROR"
        assert record.getMessage() == f"Refund {made.pk} is refused by its provider"

    def test_of_a_provider_that_is_not_in_use_say_so(self, settings: Settings) -> None:
        made = refund(bought(), "20")
        settings.PAYMENT_PROVIDER = "stripe"

        with pytest.raises(UnknownProviderError):
            send(made)

        assert Refund.objects.get().ask_failure == "simulated"


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_a_payment_is_leased_once(self) -> None:
        payment = begin()

        leases = run_at_once([partial(lease_payments, at=NOW + 10 * MINUTE)] * 5)

        assert sorted(leases) == [[], [], [], [], [payment.pk]]

    def test_a_refund_is_leased_once_while_it_is_sent(self) -> None:
        made = refund(bought(), "20")
        assert made.withdrawn_at
        lease = partial(lease_refunds, at=made.withdrawn_at + MINUTE)
        calls: list[Callable[[], object]] = [lease] * 5 + [partial(send, made)] * 5

        leased = run_at_once(calls)

        assert leased.count([made.pk]) <= 1
        assert Refund.objects.get().status == "succeeded"


def _raising(error: Exception) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail
