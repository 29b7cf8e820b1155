"""Cards that are charged without their holder."""

from datetime import timedelta
from decimal import Decimal

import pytest

from invoices.models import Payment
from invoices.payments import PaymentNews, Progress, ProviderError
from invoices.payments.stripe import StripeProvider
from invoices.services.asking import settle_payment
from invoices.services.payments import start_payment
from invoices.services.purchases import buy_pack
from ledger.models import CreditLot
from tests import make
from tests.invoices.state import at_once
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_state import begin_unattended

pytestmark = pytest.mark.django_db

INTENTS = "/v1/payment_intents"


def charge(payment: Payment) -> PaymentNews:
    return StripeProvider().charge(payment=payment)


def state(news: PaymentNews) -> tuple[Progress, str]:
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

    def test_another_charge_of_the_card_is_not_taken_for_it(
        self, fake: StripeFake
    ) -> None:
        first = begin_unattended()
        invoice = buy_pack(
            customer=first.invoice.customer, pack=make.pack(price="30"), at=make.NOW
        )
        second = start_payment(invoice=invoice, method=first.method, at=make.NOW)

        news = [charge(first), charge(second)]

        assert [each.provider_reference for each in news] == ["pi_1", "pi_2"]
        assert [each.amount for each in news] == [20, 30]
        assert len(fake.intents) == 2

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
