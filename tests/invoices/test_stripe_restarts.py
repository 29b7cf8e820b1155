"""Pages that Stripe was asked for before, in other words."""

from datetime import timedelta
from typing import Any

import pytest

from invoices.models import Payment
from invoices.payments import BegunOtherwiseError, Progress, ProviderError
from invoices.payments.stripe import PAGE_LASTS, StripeProvider
from invoices.services.asking import settle_payment
from invoices.services.checkout import start_checkout
from ledger.models import CreditLot
from tests import make
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_state import RETURN_URL, begin

pytestmark = pytest.mark.django_db
LATER = make.NOW + PAGE_LASTS + timedelta(seconds=1)


def asked_otherwise() -> Payment:
    """Ask for a page whose answer is lost, and then be called something else."""
    payment = begin()
    StripeProvider().start_checkout(payment=payment)
    customer = payment.invoice.customer
    customer.email = "new@example.com"
    customer.save()
    return Payment.objects.select_related("invoice__customer").get()


def offer(payment: Payment) -> str:
    return start_checkout(invoice=payment.invoice, return_url=RETURN_URL, at=make.NOW)


def ends() -> list[tuple[str, str, str]]:
    payments = Payment.objects.order_by("pk")
    return list(payments.values_list("status", "failure", "checkout_reference"))


class TestStartCheckout:
    def test_begins_anew_where_the_first_was_asked_for_otherwise(
        self, fake: StripeFake
    ) -> None:
        url = offer(asked_otherwise())

        assert url.endswith("/cs_test_2")
        assert ends() == [("failed", "begun anew", ""), ("pending", "", "cs_test_2")]
        assert fake.sessions["cs_test_2"]["customer_email"] == "new@example.com"

    def test_credits_what_is_paid_on_the_first_page(self, fake: StripeFake) -> None:
        payment = asked_otherwise()
        offer(payment)
        first, _ = Payment.objects.order_by("pk")
        fake.pay("cs_test_1")

        assert StripeProvider().ask(payment=first, at=LATER).progress is (
            Progress.SUCCEEDED
        )

    @pytest.mark.usefixtures("fake")
    def test_begins_anew_only_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        payment = begin()

        def refuse(_: Payment) -> Any:
            raise BegunOtherwiseError

        path = "invoices.payments.stripe_calls.create_session"
        monkeypatch.setattr(path, refuse)
        with pytest.raises(BegunOtherwiseError):
            offer(payment)

        assert ends() == [("failed", "begun anew", ""), ("pending", "", "")]

    def test_stays_with_a_page_that_is_being_asked_for_just_now(
        self, fake: StripeFake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment = begin()
        error = {"type": "idempotency_error", "code": "idempotency_key_in_use"}
        monkeypatch.setattr(fake, "answer", lambda _: (409, {"error": error}))

        with pytest.raises(ProviderError) as refused:
            offer(payment)

        assert not isinstance(refused.value, BegunOtherwiseError)
        assert ends() == [("pending", "", "")]


class TestAsk:
    def test_finds_the_page_among_all(self, fake: StripeFake) -> None:
        payment = asked_otherwise()
        fake.create_session(fake.forms["cs_test_1"] | {"metadata": {}})
        fake.most_listed = 1
        fake.pay("cs_test_1")

        assert settle_payment(payment_id=payment.pk, at=make.NOW) is (
            Progress.SUCCEEDED
        )
        assert CreditLot.objects.get().remaining == 50

    def test_waits_where_no_page_is_known_yet(self, fake: StripeFake) -> None:
        payment = asked_otherwise()
        fake.sessions.clear()

        at = make.NOW + PAGE_LASTS
        assert settle_payment(payment_id=payment.pk, at=at) is Progress.PENDING
        assert ends() == [("pending", "", "")]

    def test_gives_up_once_a_page_would_be_over(self, fake: StripeFake) -> None:
        payment = asked_otherwise()
        fake.sessions.clear()
        fake.forget_keys()

        assert settle_payment(payment_id=payment.pk, at=LATER) is Progress.FAILED
        assert ends() == [("failed", "expired", "")]
        # None is made that nobody would see.
        assert not fake.sessions

    def test_finds_a_page_whose_key_is_forgotten(self, fake: StripeFake) -> None:
        payment = asked_otherwise()
        fake.forget_keys()
        fake.pay("cs_test_1")

        assert settle_payment(payment_id=payment.pk, at=LATER) is Progress.SUCCEEDED
