"""Cards that are charged without their holder, and money that goes back."""

from datetime import timedelta
from decimal import Decimal

import pytest

from invoices.models import Payment, Refund
from invoices.payments import PaymentNews, Progress, ProviderError, RefundNews
from invoices.payments.stripe import StripeProvider
from invoices.services.asking import settle_payment
from invoices.services.payments import fail_payment, mark_paid, start_payment
from ledger.models import CreditLot
from tests import make
from tests.invoices.state import at_once
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_state import begin_unattended, open_page

pytestmark = pytest.mark.django_db

INTENTS = "/v1/payment_intents"
REFUNDS = "/v1/refunds"


def charge(payment: Payment) -> PaymentNews:
    return StripeProvider().charge(payment=payment)


def state(news: PaymentNews | RefundNews) -> tuple[Progress, str]:
    return news.progress, news.failure


class TestCharge:
    def test_takes_what_is_due_from_the_kept_card(self, fake: StripeFake) -> None:
        payment = begin_unattended()

        news = charge(payment)

        [asked] = fake.asked_for("POST", INTENTS)
        assert asked.headers["Idempotency-Key"] == payment.reference
        assert asked.form == {
            "amount": "2000",
            "currency": "usd",
            "customer": "cus_1",
            "payment_method": "pm_1",
            "off_session": "true",
            "confirm": "true",
            "metadata[payment]": payment.reference,
            "metadata[invoice]": "INV-2026-000002",
        }
        assert state(news) == (Progress.SUCCEEDED, "")
        assert (news.amount, news.currency) == (Decimal("20.00"), "USD")
        assert news.provider_reference == "pi_1"

    def test_a_decline_has_the_banks_reason_and_stays_closed(
        self, fake: StripeFake
    ) -> None:
        fake.decline = "insufficient_funds"

        news = charge(begin_unattended())

        assert state(news) == (Progress.FAILED, "insufficient_funds")
        assert fake.intents["pi_1"]["status"] == "canceled"

    def test_what_wants_its_holder_has_failed_and_stays_closed(
        self, fake: StripeFake
    ) -> None:
        fake.charges_end = "requires_action"

        news = charge(begin_unattended())

        assert state(news) == (Progress.FAILED, "authentication_required")
        assert fake.intents["pi_1"]["status"] == "canceled"

    def test_what_succeeds_before_it_can_be_canceled_has_succeeded(
        self, fake: StripeFake
    ) -> None:
        fake.charges_end = "requires_action"
        payment = begin_unattended()

        def succeed() -> None:
            fake.intents.get("pi_1", {})["status"] = "succeeded"

        fake.on_asked = succeed

        assert state(charge(payment)) == (Progress.SUCCEEDED, "")

    def test_what_is_under_way_is_pending_and_then_asked_about(
        self, fake: StripeFake
    ) -> None:
        fake.charges_end = "processing"
        payment = begin_unattended()

        first = charge(payment)
        fake.intents["pi_1"]["status"] = "succeeded"

        assert first.progress is Progress.PENDING
        assert charge(payment).progress is Progress.SUCCEEDED
        assert len(fake.intents) == 1

    @pytest.mark.parametrize("decline", ["", "lost_card"])
    def test_is_made_once_even_after_stripe_forgot_its_key(
        self, fake: StripeFake, decline: str
    ) -> None:
        fake.decline = decline
        payment = begin_unattended()
        first = charge(payment)
        fake.forget_keys()

        assert charge(payment).progress is first.progress
        assert len(fake.intents) == 1

    def test_a_lost_answer_charges_once(self, fake: StripeFake) -> None:
        payment = begin_unattended()
        fake.dropped = 3

        with pytest.raises(ProviderError):
            charge(payment)
        news = charge(payment)

        assert news.progress is Progress.SUCCEEDED
        assert len(fake.intents) == 1

    def test_looks_from_a_while_before_it_began(self, fake: StripeFake) -> None:
        payment = begin_unattended()

        charge(payment)

        [asked] = fake.asked_for("GET", INTENTS)
        since = int((make.NOW - timedelta(hours=1)).timestamp())
        assert asked.form["created[gte]"] == str(since)
        assert asked.form["customer"] == "cus_1"

    def test_a_customer_that_stripe_does_not_know_cannot_be_charged(
        self, fake: StripeFake
    ) -> None:
        payment = begin_unattended(stripe_customer="cus_gone")

        assert state(charge(payment)) == (Progress.FAILED, "resource_missing")
        assert not fake.intents

    def test_a_decline_without_a_payment_is_one_all_the_same(
        self, fake: StripeFake
    ) -> None:
        fake.decline, fake.names_declined = "fraudulent", False

        assert state(charge(begin_unattended())) == (Progress.FAILED, "fraudulent")

    def test_says_nothing_while_stripe_is_down(self, fake: StripeFake) -> None:
        fake.broken = 3

        with pytest.raises(ProviderError):
            charge(begin_unattended())

    def test_is_credited_once(self, fake: StripeFake) -> None:
        payment = begin_unattended()

        settle_payment(payment_id=payment.pk, at=make.NOW)
        settle_payment(payment_id=payment.pk, at=make.NOW)

        amounts = CreditLot.objects.order_by("pk").values_list("granted", flat=True)
        assert list(amounts) == [50, 20]
        assert len(fake.intents) == 1


@pytest.mark.django_db(transaction=True)
def test_charging_at_once_charges_once(fake: StripeFake) -> None:
    payment = begin_unattended()

    at_once(lambda: settle_payment(payment_id=payment.pk, at=make.NOW))

    assert len(fake.intents) == 1
    assert CreditLot.objects.count() == 2


def owe(fake: StripeFake, amount: str = "50") -> Refund:
    """Pay on a page what cannot be credited, so that it is owed back."""
    payment = open_page()
    fake.pay("cs_test_1")
    fail_payment(payment=payment, at=make.NOW)
    other = start_payment(invoice=payment.invoice, at=make.NOW)
    for each, intent in ((other, "pi_9"), (payment, "pi_1")):
        mark_paid(
            invoice=payment.invoice,
            reference=each.reference,
            amount=each.amount,
            currency="USD",
            provider_reference=intent,
            at=make.NOW,
        )
    refund = Refund.objects.get()
    refund.amount = Decimal(amount)
    return refund


def send(refund: Refund) -> RefundNews:
    return StripeProvider().refund(refund=refund)


class TestRefund:
    def test_gives_back_what_was_asked_for(self, fake: StripeFake) -> None:
        refund = owe(fake, "20")

        news = send(refund)

        [asked] = fake.asked_for("POST", REFUNDS)
        assert asked.headers["Idempotency-Key"] == refund.reference
        assert asked.form == {
            "payment_intent": "pi_1",
            "amount": "2000",
            "reason": "requested_by_customer",
            "metadata[refund]": refund.reference,
        }
        assert state(news) == (Progress.SUCCEEDED, "")
        assert news.reference == refund.reference
        assert news.provider_reference == "re_1"

    @pytest.mark.parametrize(
        ("status", "progress", "failure"),
        [
            ("pending", Progress.PENDING, ""),
            ("requires_action", Progress.PENDING, ""),
            ("failed", Progress.FAILED, "failed"),
            ("canceled", Progress.FAILED, "canceled"),
        ],
    )
    def test_says_how_far_it_got(
        self, fake: StripeFake, status: str, progress: Progress, failure: str
    ) -> None:
        fake.refunds_end = status

        assert state(send(owe(fake))) == (progress, failure)

    def test_one_that_is_known_is_asked_about(self, fake: StripeFake) -> None:
        fake.refunds_end = "pending"
        refund = owe(fake)
        refund.provider_reference = send(refund).provider_reference
        fake.refunds["re_1"] |= {
            "status": "failed",
            "failure_reason": "lost_or_stolen_card",
        }

        assert state(send(refund)) == (Progress.FAILED, "lost_or_stolen_card")
        assert len(fake.refunds) == 1

    def test_is_made_once_even_after_stripe_forgot_its_key(
        self, fake: StripeFake
    ) -> None:
        refund = owe(fake, "20")
        send(refund)
        fake.forget_keys()

        assert send(refund).progress is Progress.SUCCEEDED
        assert fake.refunded("pi_1") == 2000

    def test_a_lost_answer_gives_back_once(self, fake: StripeFake) -> None:
        refund = owe(fake, "20")
        fake.dropped = 3

        with pytest.raises(ProviderError):
            send(refund)

        assert send(refund).progress is Progress.SUCCEEDED
        assert fake.refunded("pi_1") == 2000

    def test_what_went_back_already_cannot_go_back(self, fake: StripeFake) -> None:
        refund = owe(fake)
        fake.create_refund({"payment_intent": "pi_1", "amount": "5000"})

        assert state(send(refund)) == (Progress.FAILED, "charge_already_refunded")

    def test_more_than_is_left_cannot_go_back(self, fake: StripeFake) -> None:
        refund = owe(fake)
        fake.create_refund({"payment_intent": "pi_1", "amount": "1"})

        news = send(refund)

        assert news.progress is Progress.FAILED
        assert "greater than unrefunded amount" in news.failure

    def test_one_that_stripe_does_not_know_any_more_is_not_given_up(
        self, fake: StripeFake
    ) -> None:
        refund = owe(fake)
        refund.provider_reference = "re_9"

        with pytest.raises(ProviderError, match="resource_missing"):
            send(refund)

    def test_says_nothing_while_stripe_is_down(self, fake: StripeFake) -> None:
        refund = owe(fake)
        fake.broken = 3

        with pytest.raises(ProviderError):
            send(refund)
