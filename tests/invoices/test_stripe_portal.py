"""Buying in the portal while Stripe takes the payments."""

import pytest
from django.test import Client

from invoices.models import Invoice, Payment, Status
from ledger.models import CreditLot
from tests import make
from tests.invoices.stripe_fake import StripeFake
from tests.invoices.stripe_state import post

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client: Client) -> Client:
    client.force_login(make.member(make.customer()))
    return client


def test_the_button_leads_to_stripe_and_credits_come_by_webhook(
    browser: Client, fake: StripeFake
) -> None:
    response = browser.post("/portal/buy/", {"pack": make.pack().code})
    back = fake.asked[0].form["success_url"]
    page = browser.get(back, follow=True)

    assert response.status_code == 302
    assert response["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    assert back.startswith("http://127.0.0.1:8000/checkout/back/")
    assert "Not paid" in page.content.decode()
    assert not CreditLot.objects.exists()

    post("checkout.session.completed", fake.pay("cs_test_1"))

    assert CreditLot.objects.get().remaining == 50


def test_the_invoice_can_be_paid_once_stripe_is_back(
    browser: Client, fake: StripeFake
) -> None:
    fake.broken = 3

    response = browser.post("/portal/buy/", {"pack": make.pack().code}, follow=True)

    [(page, _)] = response.redirect_chain
    number = Invoice.objects.get().number
    assert page == f"/portal/invoices/{number}/"
    assert "does not open at the moment. Nothing was charged." in response.text
    assert Invoice.objects.get().status == Status.OPEN

    again = browser.post(f"/portal/invoices/{number}/pay/")

    assert again["Location"] == "https://checkout.stripe.com/c/pay/cs_test_1"
    assert Payment.objects.count() == 1
