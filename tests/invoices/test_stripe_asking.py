"""What Stripe answers when it is asked what became of a payment."""

from decimal import Decimal

import pytest

from invoices.models import Invoice, Payment, Status
from invoices.payments import Progress, ProviderError
from invoices.payments.stripe import StripeProvider
from invoices.services.asking import settle_payment
from ledger.models import CreditLot
from tests import make
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_state import begin, keep_card, open_page

pytestmark = pytest.mark.django_db


def ask(payment: Payment) -> Progress:
    return StripeProvider().ask(payment=payment, at=make.NOW).progress


class TestAsk:
    @pytest.mark.usefixtures("fake")
    def test_a_page_that_is_open_is_pending(self) -> None:
        assert ask(open_page()) is Progress.PENDING

    def test_a_page_that_was_paid_on_has_succeeded(self, fake: StripeFake) -> None:
        payment = open_page()
        fake.pay("cs_test_1")

        news = StripeProvider().ask(payment=payment, at=make.NOW)

        assert news.progress is Progress.SUCCEEDED
        assert (news.amount, news.currency) == (Decimal("50.00"), "USD")
        assert news.provider_reference == "pi_1"
        assert news.card is None

    def test_the_card_that_was_kept_is_told(self, fake: StripeFake) -> None:
        payment = open_page(saves_method=True)
        fake.pay("cs_test_1")

        card = StripeProvider().ask(payment=payment, at=make.NOW).card

        assert card
        assert (card.provider_customer, card.reference) == ("cus_1", "pm_1")
        assert card.label == "Visa ending in 4242"

    def test_a_card_that_nobody_asked_to_keep_is_not_told(
        self, fake: StripeFake
    ) -> None:
        customer = make.customer()
        keep_card(customer)
        payment = begin(customer=customer)
        StripeProvider().start_checkout(payment=payment)
        fake.pay("cs_test_1")

        assert StripeProvider().ask(payment=payment, at=make.NOW).card is None

    def test_a_card_that_stripe_did_not_keep_is_not_told(
        self, fake: StripeFake
    ) -> None:
        payment = open_page(saves_method=True)
        fake.intents[fake.pay("cs_test_1")["payment_intent"]]["customer"] = None

        assert StripeProvider().ask(payment=payment, at=make.NOW).card is None

    def test_an_amount_too_fine_for_cards_has_failed(self, fake: StripeFake) -> None:
        payment = begin()
        payment.currency, payment.amount = "KWD", Decimal("5.124")

        news = StripeProvider().ask(payment=payment, at=make.NOW)

        assert (news.progress, news.failure) == (
            Progress.FAILED,
            "5.124 KWD is too fine to be paid by card",
        )
        assert not fake.asked

    def test_a_page_that_expired_has_failed(self, fake: StripeFake) -> None:
        payment = open_page()
        fake.expire("cs_test_1")

        news = StripeProvider().ask(payment=payment, at=make.NOW)

        assert (news.progress, news.failure) == (Progress.FAILED, "expired")

    def test_a_bank_debit_is_pending_until_it_bounces(self, fake: StripeFake) -> None:
        payment = open_page()
        intent = fake.pay("cs_test_1", unpaid=True)["payment_intent"]

        under_way = ask(payment)
        fake.intents[intent] |= {
            "status": "requires_payment_method",
            "last_payment_error": {"code": "debit_not_authorized"},
        }
        news = StripeProvider().ask(payment=payment, at=make.NOW)

        assert under_way is Progress.PENDING
        assert (news.progress, news.failure) == (
            Progress.FAILED,
            "debit_not_authorized",
        )

    def test_a_voucher_is_pending_until_its_holder_pays_it(
        self, fake: StripeFake
    ) -> None:
        payment = open_page()
        intent = fake.pay("cs_test_1", unpaid=True)["payment_intent"]
        fake.intents[intent]["status"] = "requires_action"

        assert ask(payment) is Progress.PENDING

    def test_a_declined_try_is_not_the_end_of_a_page(self, fake: StripeFake) -> None:
        payment = open_page()
        intent = fake.pay("cs_test_1", unpaid=True)["payment_intent"]
        fake.intents[intent]["status"] = "requires_payment_method"
        fake.sessions["cs_test_1"]["status"] = "open"

        assert ask(payment) is Progress.PENDING

    @pytest.mark.parametrize("status", ["open", "complete"])
    def test_a_canceled_payment_has_failed(self, fake: StripeFake, status: str) -> None:
        payment = open_page()
        intent = fake.pay("cs_test_1", unpaid=True)["payment_intent"]
        fake.intents[intent]["status"] = "canceled"
        fake.sessions["cs_test_1"]["status"] = status

        assert ask(payment) is Progress.FAILED

    def test_knows_a_page_whose_name_was_not_kept_and_how_it_is_now(
        self, fake: StripeFake
    ) -> None:
        payment = begin()
        StripeProvider().start_checkout(payment=payment)
        fake.pay("cs_test_1")

        assert ask(payment) is Progress.SUCCEEDED
        assert len(fake.sessions) == 1

    def test_a_page_that_stripe_does_not_know_has_failed(
        self, fake: StripeFake
    ) -> None:
        payment = open_page()
        fake.sessions.clear()

        news = StripeProvider().ask(payment=payment, at=make.NOW)

        assert (news.progress, news.failure) == (Progress.FAILED, "resource_missing")

    def test_says_nothing_while_stripe_is_down(self, fake: StripeFake) -> None:
        payment = open_page()
        fake.broken = 3

        with pytest.raises(ProviderError):
            ask(payment)

    def test_an_answer_that_cannot_be_understood_says_nothing(
        self, fake: StripeFake
    ) -> None:
        payment = open_page()
        fake.sessions["cs_test_1"]["payment_status"] = None

        with pytest.raises(ProviderError, match="payment_status"):
            ask(payment)

    def test_a_lost_webhook_is_made_good_once(self, fake: StripeFake) -> None:
        payment = open_page()
        fake.pay("cs_test_1")

        first = settle_payment(payment_id=payment.pk, at=make.NOW)
        second = settle_payment(payment_id=payment.pk, at=make.NOW)

        assert first is second is Progress.SUCCEEDED
        assert Invoice.objects.get().status == Status.PAID
        assert CreditLot.objects.get().remaining == 50
