import pytest
import requests
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from pytest_django.live_server_helper import LiveServer

from invoices.models import DisputeStatus, Invoice, Payment, ProviderEvent, Status
from invoices.payments.simulated import Choice, choose, deliver
from invoices.services.checkout import start_checkout
from invoices.services.payments import fail_payment
from invoices.services.purchases import buy_pack
from ledger.models import CreditLot
from tests import make
from tests.invoices.refunding import bank_says, bought, payment_of


def checkout(return_url: str = "/credits/") -> str:
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)
    return start_checkout(invoice=invoice, return_url=return_url, at=make.NOW)


@pytest.mark.django_db
class TestSimulatedCheckout:
    def test_shows_what_is_due(self, client: Client) -> None:
        response = client.get(checkout())

        page = response.content.decode()
        assert response.status_code == 200
        assert "INV-2026-000001" in page
        assert "$50.00" in page
        assert 'value="pay"' in page
        assert 'value="decline"' in page

    def test_has_no_buttons_once_the_payment_ended(self, client: Client) -> None:
        url = checkout()
        fail_payment(payment=Payment.objects.get(), at=make.NOW)

        assert 'value="pay"' not in client.get(url).content.decode()

    def test_paying_credits_nothing_by_itself(
        self,
        client: Client,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        url = checkout()

        with django_capture_on_commit_callbacks() as queued:
            response = client.post(url, {"choice": "pay"})

        assert (response.status_code, response["Location"]) == (302, "/credits/")
        assert len(queued) == 1
        assert not CreditLot.objects.exists()

    @pytest.mark.parametrize(
        ("choice", "expected"),
        [
            ("pay", "Payment received; it is being confirmed."),
            ("decline", "Payment declined; nothing was charged."),
        ],
    )
    def test_says_what_happened(
        self, client: Client, choice: str, expected: str
    ) -> None:
        response = client.post(checkout(), {"choice": choice})

        [message] = get_messages(response.wsgi_request)
        assert str(message) == expected

    def test_says_on_the_page_itself_what_a_payer_and_a_bank_did(
        self, client: Client
    ) -> None:
        invoice = bought()
        page = f"/checkout/simulated/{payment_of(invoice).reference}/?return_url=%2F"

        disputed = client.post(page, {"choice": "dispute"}, follow=True)
        bank_says(invoice, DisputeStatus.OPEN)
        decided = client.post(page, {"choice": "lose"}, follow=True)

        assert disputed.redirect_chain == decided.redirect_chain == [(page, 302)]

    @pytest.mark.parametrize("keeps", [True, False])
    def test_repeats_that_the_card_is_kept(self, client: Client, keeps: bool) -> None:
        invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)
        url = start_checkout(
            invoice=invoice, return_url="/", saves_method=keeps, at=make.NOW
        )

        page = client.get(url).content.decode()

        assert ("This card is kept for automatic top-ups." in page) == keeps

    def test_never_leads_to_another_site(self, client: Client) -> None:
        url = checkout(return_url="https://evil.example/")

        response = client.post(url, {"choice": "pay"})

        assert response["Location"] == url.partition("?")[0]

    def test_asks_again_after_an_unknown_choice(self, client: Client) -> None:
        response = client.post(checkout(), {"choice": "steal"})

        assert response.status_code == 200
        assert 'value="pay"' in response.content.decode()

    def test_is_safe_from_other_sites_forms(self) -> None:
        client = Client(enforce_csrf_checks=True)

        assert client.post(checkout(), {"choice": "pay"}).status_code == 403

    def test_an_unknown_reference_is_not_found(self, client: Client) -> None:
        assert client.get("/checkout/simulated/unknown/").status_code == 404


@pytest.mark.story
@pytest.mark.usefixtures("worker")
@pytest.mark.django_db(transaction=True)
class TestPaying:
    @pytest.fixture(autouse=True)
    def _server(self, live_server: LiveServer, settings: Settings) -> None:
        settings.BASE_URL = live_server.url

    def test_pay_leads_to_credits_by_webhook(self, client: Client) -> None:
        client.post(checkout(), {"choice": "pay"})

        assert Invoice.objects.get().status == Status.PAID
        assert CreditLot.objects.get().remaining == 50
        assert ProviderEvent.objects.get().kind == "payment.succeeded"

    def test_pressing_twice_pays_once(self, client: Client) -> None:
        url = checkout()

        client.post(url, {"choice": "pay"})
        client.post(url, {"choice": "pay"})

        assert ProviderEvent.objects.count() == 1
        assert CreditLot.objects.count() == 1

    def test_a_delivery_that_is_not_taken_is_known_to_have_failed(
        self, settings: Settings
    ) -> None:
        checkout()
        reference = Payment.objects.get().reference
        settings.PAYMENT_PROVIDER = "another"

        with pytest.raises(requests.HTTPError):
            deliver(reference=reference, choice=Choice.PAY, at=timezone.now())

    def test_paying_after_a_decline_leads_to_nothing(self, client: Client) -> None:
        url = checkout()

        reference = Payment.objects.get().reference
        # Its webhook is still under way when the other button is pressed.
        choose(reference=reference, choice=Choice.DECLINE)
        client.post(url, {"choice": "pay"})

        assert Payment.objects.get().status == "failed"
        assert not CreditLot.objects.exists()

    def test_decline_leads_to_nothing(self, client: Client) -> None:
        client.post(checkout(), {"choice": "decline"})

        assert Payment.objects.get().status == "failed"
        assert Invoice.objects.get().status == Status.OPEN
        assert not CreditLot.objects.exists()
