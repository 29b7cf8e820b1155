"""A provider's event that was stored is acted on, whoever died in between."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from invoices.models import (
    EventRetry,
    Invoice,
    Payment,
    ProviderEvent,
    SimulatedPayment,
    Status,
)
from invoices.payments import SignedEvent, get_provider
from invoices.services.payments import (
    PaymentMismatchError,
    UnknownPaymentError,
    start_payment,
)
from invoices.services.purchases import buy_pack
from invoices.services.webhooks import handle_event, lease_events, receive_event
from invoices.tasks import sweep_events
from ledger.models import CreditLot
from tests import make
from tests.raw import NO_PRIVILEGE, RESTRICTED, execute, owner_refusal, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the clock; the database's goes on."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


@pytest.fixture
def payment() -> Payment:
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)
    return start_payment(invoice=invoice, at=make.NOW)


def told(payment: Payment, kind: str = "payment.succeeded", **changed: str) -> None:
    """Receive an event, and have it acted on."""
    data = {"reference": payment.reference, "amount": "50", "currency": "USD"}
    event = SignedEvent(f"msg_{kind}", kind, data | changed)
    receive_event(provider=get_provider(), event=event, at=timezone.now())


def cut_off(payment: Payment, monkeypatch: pytest.MonkeyPatch) -> ProviderEvent:
    """Receive an event, and die before it is acted on."""

    def die(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("invoices.services.webhooks.act_on", die)
        with pytest.raises(ZeroDivisionError):
            told(payment)
    return ProviderEvent.objects.get()


class TestHandled:
    def test_is_said_once_it_was_acted_on(
        self, payment: Payment, clock: time_machine.Traveller
    ) -> None:
        told(payment)
        first = ProviderEvent.objects.get().handled_at
        clock.shift(MINUTE)
        told(payment)

        assert first
        assert ProviderEvent.objects.get().handled_at == first

    def test_is_said_of_what_is_no_concern_of_ours(self, payment: Payment) -> None:
        told(payment, "payment.created")

        assert ProviderEvent.objects.get().handled_at

    def test_is_not_said_of_what_was_refused(self, payment: Payment) -> None:
        with pytest.raises(PaymentMismatchError):
            told(payment, amount="5")

        assert ProviderEvent.objects.get().handled_at is None


class TestSweep:
    def test_acts_on_what_was_cut_off(
        self,
        payment: Payment,
        clock: time_machine.Traveller,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        cut_off(payment, monkeypatch)
        clock.shift(2 * MINUTE)

        for _ in range(2):
            sweep_events()

        assert Invoice.objects.get().status == Status.PAID
        assert CreditLot.objects.get().granted == 50
        assert ProviderEvent.objects.get().handled_at

    def test_acts_on_what_came_before_its_payment(
        self, payment: Payment, clock: time_machine.Traveller
    ) -> None:
        with pytest.raises(UnknownPaymentError):
            told(payment, "charge.refunded", amount="20")
        told(payment)
        SimulatedPayment.objects.create(
            reference=payment.reference,
            amount=payment.amount,
            currency="USD",
            refunded=Decimal(20),
            is_paid=True,
        )
        clock.shift(2 * MINUTE)

        sweep_events()

        assert CreditLot.objects.get().remaining == 30
        assert not ProviderEvent.objects.filter(handled_at=None).exists()

    def test_says_what_stays_refused_and_why(
        self,
        payment: Payment,
        clock: time_machine.Traveller,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        with pytest.raises(PaymentMismatchError):
            told(payment, amount="5")
        clock.shift(2 * MINUTE)

        sweep_events()

        retry = EventRetry.objects.get()
        assert retry.tries == 1
        assert retry.failure.startswith("PaymentMismatchError: ")
        assert f"Event {retry.event_id} of a provider is still refused" in caplog.text

    def test_does_nothing_for_what_was_done_meanwhile(
        self, payment: Payment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told(payment)
        acted: list[object] = []
        monkeypatch.setattr(
            "invoices.services.webhooks.act_on", lambda **news: acted.append(news)
        )

        handle_event(event_id=ProviderEvent.objects.get().pk, at=timezone.now())

        assert acted == []


class TestLeaseEvents:
    def test_takes_each_less_and_less_often(
        self, payment: Payment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorded = cut_off(payment, monkeypatch).recorded_at

        minutes = [
            minute
            for minute in range(24 * 60 + 1)
            if lease_events(at=recorded + minute * MINUTE)
        ]

        assert minutes[:8] == [1, 2, 4, 8, 16, 32, 64, 128]
        assert [b - a for a, b in zip(minutes[-3:-1], minutes[-2:], strict=True)] == [
            360,
            360,
        ]
        assert EventRetry.objects.get().tries == len(minutes)

    def test_leaves_it_to_who_received_it_and_gives_up_after_a_month(
        self, payment: Payment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorded = cut_off(payment, monkeypatch).recorded_at
        second = timedelta(seconds=1)

        moments = [MINUTE - second, MINUTE, 30 * DAY - second, 30 * DAY]

        assert [len(lease_events(at=recorded + each)) for each in moments] == [
            0,
            1,
            1,
            0,
        ]


def test_the_admin_shows_what_stays_unhandled_and_why(
    payment: Payment, clock: time_machine.Traveller, admin_client: Client
) -> None:
    with pytest.raises(PaymentMismatchError):
        told(payment, amount="5")
    told(payment, "payment.created")
    clock.shift(2 * MINUTE)
    sweep_events()

    listed = admin_client.get(
        "/admin/invoices/providerevent/", {"handled_at__isempty": "1"}
    ).content.decode()

    assert "PaymentMismatchError: " in listed
    assert "msg_payment.succeeded" in listed
    assert "msg_payment.created" not in listed


class TestDatabase:
    def test_refuses_to_change_what_was_told(
        self, payment: Payment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cut_off(payment, monkeypatch)

        for change in (
            "UPDATE invoices_providerevent SET payload = '{}', handled_at = now()",
            "DELETE FROM invoices_providerevent",
        ):
            assert isinstance(refusal(change), NO_PRIVILEGE)
            assert isinstance(owner_refusal(change), RESTRICTED)

    def test_says_once_when_it_was_handled(self, payment: Payment) -> None:
        told(payment)

        for moment in (make.NOW, None):
            change = "UPDATE invoices_providerevent SET handled_at = %s"
            assert isinstance(refusal(change, moment), RESTRICTED)

    def test_lets_it_be_handled(
        self, payment: Payment, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cut_off(payment, monkeypatch)

        assert execute("UPDATE invoices_providerevent SET handled_at = now()") == 1
