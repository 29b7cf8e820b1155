"""Stripe's pages: what is on them, and how they are asked for."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from billing.models.plans import Mode
from invoices.models import Payment, PaymentMethod
from invoices.payments import ProviderError, RefusedError
from invoices.payments.stripe import StripeProvider
from invoices.payments.stripe_amounts import UnpayableAmountError
from invoices.services.checkout import start_checkout
from tests import make
from tests.invoices.state import MONTH_END, final, use_seed
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_state import RETURN_URL, begin, keep_card, open_page

pytestmark = pytest.mark.django_db

SESSIONS = "/v1/checkout/sessions"


def page_of(fake: StripeFake) -> dict[str, str]:
    """Return the form by which the only page was made."""
    [asked] = fake.asked_for("POST", SESSIONS)
    return asked.form


class TestStartCheckout:
    def test_says_what_is_to_be_paid_for_what(self, fake: StripeFake) -> None:
        payment = open_page()

        page = page_of(fake)
        price = "line_items[0][price_data]"
        assert page["mode"] == "payment"
        assert page[f"{price}[currency]"] == "usd"
        assert page[f"{price}[unit_amount]"] == "5000"
        assert page[f"{price}[product_data][name]"] == "$50 pack"
        assert page["line_items[0][quantity]"] == "1"
        assert page["customer_email"] == "billing@example.com"
        assert page["success_url"] == page["cancel_url"] == RETURN_URL
        assert page["adaptive_pricing[enabled]"] == "false"
        assert page["client_reference_id"] == payment.reference

    def test_labels_the_page_and_its_payment_as_ours(self, fake: StripeFake) -> None:
        payment = open_page()

        page = page_of(fake)
        for labels in ("metadata", "payment_intent_data[metadata]"):
            assert page[f"{labels}[payment]"] == payment.reference
            assert page[f"{labels}[invoice]"] == "INV-2026-000001"

    def test_leads_to_stripe_and_keeps_what_the_page_is_called(
        self, fake: StripeFake
    ) -> None:
        payment = begin()

        url = start_checkout(invoice=payment.invoice, return_url="", at=make.NOW)

        payment.refresh_from_db()
        assert url == "https://checkout.stripe.com/c/pay/cs_test_1"
        assert payment.checkout_reference == "cs_test_1"
        assert fake.asked[0].headers["Idempotency-Key"] == payment.reference

    def test_keeps_no_card_unless_asked_to(self, fake: StripeFake) -> None:
        open_page()

        page = page_of(fake)
        assert "customer_creation" not in page
        assert "payment_intent_data[setup_future_usage]" not in page

    def test_keeps_the_card_for_later_if_asked_to(self, fake: StripeFake) -> None:
        open_page(saves_method=True)

        page = page_of(fake)
        assert page["payment_intent_data[setup_future_usage]"] == "off_session"
        assert page["customer_creation"] == "always"

    def test_is_for_the_customer_that_stripe_knows(self, fake: StripeFake) -> None:
        customer = make.customer()
        keep_card(customer)

        StripeProvider().start_checkout(
            payment=begin(customer=customer, saves_method=True)
        )

        page = page_of(fake)
        assert page["customer"] == "cus_1"
        assert page["payment_intent_data[setup_future_usage]"] == "off_session"
        assert {"customer_email", "customer_creation"}.isdisjoint(page)

    def test_is_for_a_new_customer_once_the_card_was_removed(
        self, fake: StripeFake
    ) -> None:
        customer = make.customer()
        keep_card(customer)
        PaymentMethod.objects.update(removed_at=make.NOW)

        StripeProvider().start_checkout(payment=begin(customer=customer))

        assert page_of(fake)["customer_email"] == "billing@example.com"

    def test_names_an_invoice_of_many_lines_by_its_number(
        self, fake: StripeFake
    ) -> None:
        plan = make.plan(monthly_fee="20", mode=Mode.POSTPAID)
        customer = make.customer(plan=plan)
        use_seed()

        start_checkout(invoice=final(customer), return_url=RETURN_URL, at=MONTH_END)

        price = "line_items[0][price_data]"
        page = page_of(fake)
        assert page[f"{price}[product_data][name]"] == "Invoice INV-2026-000001"
        assert page[f"{price}[unit_amount]"] == "2001"

    def test_asking_again_leads_to_the_same_page(self, fake: StripeFake) -> None:
        payment = open_page()

        again = StripeProvider().start_checkout(payment=payment)

        assert again.reference == "cs_test_1"
        assert len(fake.sessions) == 1

    def test_a_crash_before_its_name_is_kept_makes_no_second_page(
        self, fake: StripeFake
    ) -> None:
        payment = begin()
        StripeProvider().start_checkout(payment=payment)

        url = start_checkout(invoice=payment.invoice, return_url="", at=make.NOW)

        assert url.endswith("/cs_test_1")
        assert Payment.objects.get().checkout_reference == "cs_test_1"
        assert len(fake.sessions) == 1

    @pytest.mark.parametrize("fault", ["dropped", "hanging", "broken"])
    def test_a_lost_answer_makes_no_second_page(
        self, fake: StripeFake, fault: str, settings: Settings
    ) -> None:
        settings.STRIPE_TIMEOUT_SECONDS = 1
        setattr(fake, fault, 1 if fault != "hanging" else 2)

        open_page()

        keys = {each.headers["Idempotency-Key"] for each in fake.asked}
        assert len(fake.asked) == 2
        assert keys == {Payment.objects.get().reference}
        assert len(fake.sessions) == 1

    def test_a_page_that_was_left_behind_leads_back(self, fake: StripeFake) -> None:
        payment = open_page()
        fake.expire("cs_test_1")

        assert StripeProvider().start_checkout(payment=payment).url == RETURN_URL

    def test_nothing_is_begun_if_stripe_is_down(self, fake: StripeFake) -> None:
        fake.broken = 3

        with pytest.raises(ProviderError, match="Sorry"):
            open_page()

        assert len(fake.asked) == 3
        assert not fake.sessions

    @pytest.mark.usefixtures("fake")
    def test_a_wrong_address_is_an_answer_that_never_came(
        self, settings: Settings
    ) -> None:
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"

        with pytest.raises(ProviderError, match="communicating with Stripe"):
            open_page()

    @pytest.mark.usefixtures("fake")
    def test_what_stripe_refuses_is_refused_by_name(self) -> None:
        payment = begin(price="0.30")

        with pytest.raises(RefusedError, match=r"^amount_too_small$"):
            StripeProvider().start_checkout(payment=payment)

    def test_an_amount_too_fine_for_cards_is_not_even_asked_for(
        self, fake: StripeFake
    ) -> None:
        payment = begin()
        payment.currency, payment.amount = "KWD", Decimal("5.124")

        with pytest.raises(UnpayableAmountError):
            StripeProvider().start_checkout(payment=payment)

        assert not fake.asked
