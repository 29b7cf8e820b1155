from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from invoices.models import Invoice, Payment, ProviderEvent, SimulatedPayment, Status
from invoices.payments.standard_webhooks import sign
from invoices.services.payments import start_payment
from invoices.services.purchases import buy_pack
from ledger.models import CreditLot
from tests import make

PATH = "/webhooks/simulated/"


def body_of(payment: Payment, kind: str = "payment.succeeded", **changed: str) -> bytes:
    data = {"reference": payment.reference, "amount": "50", "currency": "USD"}
    return msgspec.json.encode(
        {"type": kind, "timestamp": "2026-11-15T12:00:00Z", "data": data | changed}
    )


def post(
    body: bytes,
    *,
    message_id: str = "msg_1",
    at: datetime | None = None,
    secret: str = "",
) -> HttpResponse:
    headers = sign(
        secret=secret or settings.SIMULATED_WEBHOOK_SECRET,
        message_id=message_id,
        body=body,
        at=at or timezone.now(),
    )
    # As a provider would: without any cookie, so without a CSRF token.
    client = Client(enforce_csrf_checks=True)
    response = client.post(PATH, body, "application/json", headers=headers)
    assert isinstance(response, HttpResponse)
    return response


@pytest.fixture
def payment() -> Payment:
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)
    return start_payment(invoice=invoice, at=make.NOW)


@pytest.mark.django_db
class TestWebhook:
    def test_a_success_grants_the_pack(self, payment: Payment) -> None:
        response = post(body_of(payment))

        assert response.status_code == 200
        assert Invoice.objects.get().status == Status.PAID
        assert CreditLot.objects.get().remaining == 50

    def test_is_stored_as_it_was_read(self, payment: Payment) -> None:
        post(body_of(payment))

        stored = ProviderEvent.objects.get()
        assert (stored.event_id, stored.kind) == ("msg_1", "payment.succeeded")
        assert stored.payload["reference"] == payment.reference

    def test_a_repetition_is_taken_and_grants_nothing_more(
        self, payment: Payment
    ) -> None:
        post(body_of(payment))

        response = post(body_of(payment))

        assert response.status_code == 200
        assert ProviderEvent.objects.count() == 1
        assert CreditLot.objects.count() == 1

    def test_a_repetition_finishes_what_was_cut_off(self, payment: Payment) -> None:
        ProviderEvent.objects.create(
            provider="simulated",
            event_id="msg_1",
            kind="payment.succeeded",
            payload=msgspec.json.decode(body_of(payment))["data"],
        )

        post(body_of(payment))

        assert Invoice.objects.get().status == Status.PAID

    def test_the_first_of_two_with_one_id_stands(self, payment: Payment) -> None:
        post(body_of(payment, "payment.failed"))

        post(body_of(payment))

        assert Invoice.objects.get().status == Status.OPEN

    def test_a_failure_grants_nothing(self, payment: Payment) -> None:
        response = post(body_of(payment, "payment.failed"))

        payment.refresh_from_db()
        assert response.status_code == 200
        assert payment.status == "failed"
        assert not CreditLot.objects.exists()

    def test_a_success_after_a_failure_counts(self, payment: Payment) -> None:
        post(body_of(payment, "payment.failed"))

        post(body_of(payment), message_id="msg_2")

        assert Invoice.objects.get().status == Status.PAID

    @pytest.mark.parametrize(
        "wrong", [{"amount": "5"}, {"amount": "NaN"}, {"currency": "EUR"}]
    )
    def test_another_amount_is_kept_and_refused(
        self,
        payment: Payment,
        wrong: dict[str, str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        response = post(body_of(payment, **wrong))

        assert response.status_code == 422
        assert msgspec.json.decode(response.content)["code"] == "PaymentMismatchError"
        assert "PaymentMismatchError" in caplog.text
        assert ProviderEvent.objects.count() == 1
        assert not CreditLot.objects.exists()

    def test_an_unknown_payment_is_refused(self, payment: Payment) -> None:
        response = post(body_of(payment, reference="unheard of"))

        assert response.status_code == 422

    def test_a_refund_told_too_early_comes_again(self, payment: Payment) -> None:
        told = body_of(payment, "charge.refunded", amount="20")

        assert post(told, message_id="msg_refund").status_code == 422
        post(body_of(payment))
        SimulatedPayment.objects.create(
            reference=payment.reference,
            amount=payment.amount,
            currency=payment.currency,
            refunded=Decimal(20),
        )
        assert post(told, message_id="msg_refund").status_code == 200

        assert CreditLot.objects.get().remaining == 30

    def test_another_kind_is_kept_and_nothing_follows(self, payment: Payment) -> None:
        response = post(body_of(payment, "payment.created"))

        assert response.status_code == 200
        assert Invoice.objects.get().status == Status.OPEN

    def test_a_forged_one_is_not_even_stored(self, payment: Payment) -> None:
        response = post(body_of(payment), secret="whsec_Zm9yZ2Vk")

        assert response.status_code == 400
        assert not ProviderEvent.objects.exists()
        assert not CreditLot.objects.exists()

    def test_a_stale_one_is_not_even_stored(self, payment: Payment) -> None:
        response = post(body_of(payment), at=timezone.now() - timedelta(minutes=6))

        assert response.status_code == 400
        assert not ProviderEvent.objects.exists()

    def test_one_without_meaning_is_refused(self, payment: Payment) -> None:
        assert post(b"{}").status_code == 400
        assert post(b"\xff").status_code == 400
        assert post(body_of(payment, amount="much")).status_code == 400

    def test_a_provider_that_is_not_in_use_is_not_found(
        self, payment: Payment, settings: Settings
    ) -> None:
        settings.PAYMENT_PROVIDER = "stripe"

        assert post(body_of(payment)).status_code == 404
