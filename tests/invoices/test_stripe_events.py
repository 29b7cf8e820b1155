"""What events of payments say in our words."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from invoices.models import Payment
from invoices.payments import (
    Card,
    PaymentNews,
    Progress,
    ProviderError,
    SignedEvent,
)
from invoices.payments.stripe import StripeProvider
from invoices.payments.stripe_events import EVENT_TYPES, UnreadableEventError
from tests import make
from tests.invoices import captures
from tests.invoices.captures import captured_event
from tests.invoices.stripe_fake import Object, StripeFake
from tests.invoices.stripe_state import (
    begin,
    begin_unattended,
    call,
    keep_card,
    open_page,
    read,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake")]


class TestReadSession:
    def test_paid_is_paid(self, fake: StripeFake) -> None:
        payment = open_page()

        news = read("checkout.session.completed", fake.pay("cs_test_1"))

        assert news == PaymentNews(
            reference=payment.reference,
            progress=Progress.SUCCEEDED,
            amount=Decimal(50),
            currency="USD",
            provider_reference="pi_1",
        )

    def test_completed_and_unpaid_is_nothing_yet(self, fake: StripeFake) -> None:
        open_page()

        said = fake.pay("cs_test_1", unpaid=True)

        assert read("checkout.session.completed", said) is None

    @pytest.mark.parametrize(
        ("kind", "progress"),
        [
            ("checkout.session.async_payment_succeeded", Progress.SUCCEEDED),
            ("checkout.session.async_payment_failed", Progress.FAILED),
            ("checkout.session.expired", Progress.FAILED),
        ],
    )
    def test_what_comes_later_counts(
        self, fake: StripeFake, kind: str, progress: Progress
    ) -> None:
        payment = open_page()
        paid = progress is Progress.SUCCEEDED
        fake.pay("cs_test_1", unpaid=not paid)

        news = read(kind, fake.sessions["cs_test_1"])

        assert isinstance(news, PaymentNews)
        assert (news.reference, news.progress) == (payment.reference, progress)
        assert bool(news.failure) is not paid

    def test_a_kept_card_is_asked_for(self, fake: StripeFake) -> None:
        open_page(saves_method=True)

        news = read("checkout.session.completed", fake.pay("cs_test_1"))

        assert isinstance(news, PaymentNews)
        assert news.card == Card("cus_1", "pm_1", "Visa ending in 4242")
        assert len(fake.asked_for("GET", "/v1/checkout/sessions/cs_test_1")) == 1

    def test_a_card_that_is_known_is_not_asked_for_again(
        self, fake: StripeFake
    ) -> None:
        keep_card(make.customer())
        reference = Payment.objects.get().reference
        said = captured_event(captures.SESSION_COMPLETED)["data"]["object"]

        read("checkout.session.completed", said | {"client_reference_id": reference})

        assert not fake.asked

    def test_says_nothing_of_a_card_while_stripe_is_down(
        self, fake: StripeFake
    ) -> None:
        open_page(saves_method=True)
        said = fake.pay("cs_test_1")
        fake.broken = 3

        with pytest.raises(ProviderError):
            read("checkout.session.completed", said)

    def test_one_that_another_made_is_no_concern(self, fake: StripeFake) -> None:
        open_page()
        said = fake.pay("cs_test_1") | {"metadata": {}}

        for reference in ("tenant-42", None):
            another = said | {"client_reference_id": reference}
            assert read("checkout.session.completed", another) is None
        assert read("checkout.session.completed", {"mode": "setup"}) is None

    def test_one_of_ours_that_is_unknown_is_told(self, fake: StripeFake) -> None:
        open_page()
        said = fake.pay("cs_test_1") | {"metadata": {"payment": "lost"}}

        news = read("checkout.session.completed", said)

        assert isinstance(news, PaymentNews)
        assert news.reference == "lost"

    def test_the_captured_one_is_understood(self) -> None:
        call(begin(), "tenant-42")
        said = captured_event(captures.SESSION_COMPLETED)

        kind, event_id = said["type"], said["id"]
        news = StripeProvider().read(SignedEvent(event_id, kind, said))

        assert isinstance(news, PaymentNews)
        assert (news.reference, news.provider_reference) == ("tenant-42", "pi_1")
        assert (news.amount, news.currency) == (Decimal("50.00"), "USD")
        assert news.progress is Progress.SUCCEEDED


class TestReadIntent:
    def test_an_unattended_charge_is_told(self, fake: StripeFake) -> None:
        payment = begin_unattended()
        StripeProvider().charge(payment=payment)

        news = read("payment_intent.succeeded", fake.intents["pi_1"])

        assert isinstance(news, PaymentNews)
        assert news.reference == payment.reference
        assert (news.progress, news.amount) == (Progress.SUCCEEDED, Decimal(20))

    def test_its_decline_is_told(self, fake: StripeFake) -> None:
        fake.decline = "lost_card"
        StripeProvider().charge(payment=begin_unattended())

        news = read("payment_intent.payment_failed", fake.intents["pi_1"])

        assert isinstance(news, PaymentNews)
        assert (news.progress, news.failure) == (Progress.FAILED, "lost_card")

    @pytest.mark.parametrize("end", ["succeeded", "payment_failed"])
    def test_a_try_on_a_page_is_not_its_end(self, fake: StripeFake, end: str) -> None:
        open_page()
        fake.pay("cs_test_1")

        assert read(f"payment_intent.{end}", fake.intents["pi_1"]) is None

    def test_another_ones_is_no_concern(self) -> None:
        begin_unattended()

        assert read("payment_intent.succeeded", {"metadata": {}}) is None


class TestRead:
    def test_another_kind_is_no_concern(self) -> None:
        assert read("invoice.paid", {}) is None

    @pytest.mark.parametrize(
        "said",
        [
            {"amount_total": "5000"},
            {"amount_total": 50.5},
            {"amount_total": None},
            {"currency": "zzz"},
            {"metadata": []},
        ],
    )
    def test_what_cannot_be_understood_is_refused(
        self, fake: StripeFake, said: Object
    ) -> None:
        open_page()
        paid = fake.pay("cs_test_1") | said

        with pytest.raises(UnreadableEventError):
            read("checkout.session.completed", paid)

    @pytest.mark.parametrize("payload", [{}, {"data": None}, {"data": {"object": 1}}])
    def test_an_event_about_nothing_is_refused(self, payload: Object) -> None:
        with pytest.raises(UnreadableEventError):
            StripeProvider().read(SignedEvent("evt_1", "charge.refunded", payload))

    def test_the_runbook_names_every_event_that_is_read(self) -> None:
        runbook = Path(__file__).parents[2] / "docs" / "runbook.md"

        named = set(re.findall(r"`([a-z_]+\.[a-z_.]+)`", runbook.read_text()))

        assert set(EVENT_TYPES) <= named
