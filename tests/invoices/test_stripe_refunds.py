"""Money that goes back by Stripe."""

from decimal import Decimal

import pytest

from invoices.models import Refund
from invoices.payments import Progress, ProviderError, RefundNews
from invoices.payments.stripe import StripeProvider
from invoices.services.payments import fail_payment, mark_paid, start_payment
from tests import make
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_state import open_page

pytestmark = pytest.mark.django_db

REFUNDS = "/v1/refunds"


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


def state(news: RefundNews) -> tuple[Progress, str]:
    return news.progress, news.failure


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

    def test_another_refund_of_the_payment_is_not_taken_for_it(
        self, fake: StripeFake
    ) -> None:
        refund = owe(fake, "20")
        fake.create_refund({"payment_intent": "pi_1", "amount": "1000"})

        assert send(refund).provider_reference == "re_2"
        assert fake.refunded("pi_1") == 3000

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

    def test_an_amount_too_fine_for_cards_cannot_go_back(
        self, fake: StripeFake
    ) -> None:
        refund = owe(fake, "5.124")
        refund.currency = "KWD"

        news = send(refund)

        assert state(news) == (
            Progress.FAILED,
            "5.124 KWD is too fine to be paid by card",
        )
        assert not fake.refunds

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
