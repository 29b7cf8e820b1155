"""Where a checkout leads back to."""

from urllib.parse import urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from invoices.models import Invoice, Payment
from invoices.return_urls import is_return_url
from invoices.services.checkout import start_checkout
from invoices.services.purchases import Order, place_order
from tests import make

pytestmark = pytest.mark.django_db
ELSEWHERE = "https://app.example.com/paid?x=1"


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> None:
    settings.BASE_URL = "http://testserver/"
    settings.RETURN_HOSTS = ["app.example.com", "example.org:8443"]


def order() -> Invoice:
    """Order a pack as a program does."""
    order = Order(pack=make.pack())
    customer = make.customer()
    return place_order(customer=customer, order=order, key="k", at=make.NOW).invoice


def page_of(url: str) -> str:
    """Return where the button of a simulated checkout leads, by way of us."""
    client = Client()
    back = client.post(url, {"choice": "pay"})["Location"]
    assert urlsplit(back).path.startswith("/checkout/back/")
    return client.get(back)["Location"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://testserver/portal/", True),
        ("https://app.example.com/x", True),
        ("https://APP.example.com/x", True),
        ("https://example.org:8443/", True),
        ("https://example.org/", False),
        ("https://app.example.com@evil.example/", False),
        ("https://evil@app.example.com/", False),
        ("https://app.example.com.evil.example/", False),
        ("https://app.example.com\\@evil.example/", False),
        ("ftp://app.example.com/", False),
        ("//app.example.com/", False),
        ("", False),
    ],
)
def test_only_listed_hosts_are_led_back_to(url: str, *, expected: bool) -> None:
    assert is_return_url(url) == expected


class TestACheckoutOfTheApi:
    def test_leads_back_to_where_it_was_asked_to(self) -> None:
        url = start_checkout(invoice=order(), leads_to=ELSEWHERE, at=make.NOW)

        assert page_of(url) == ELSEWHERE

    def test_leads_to_the_invoice_if_it_was_not_asked_to(self) -> None:
        invoice = order()
        url = start_checkout(invoice=invoice, at=make.NOW)

        assert page_of(url) == f"/portal/invoices/{invoice.number}/"

    def test_leads_to_the_invoice_once_its_host_is_not_listed(
        self, settings: Settings
    ) -> None:
        invoice = order()
        url = start_checkout(invoice=invoice, leads_to=ELSEWHERE, at=make.NOW)
        settings.RETURN_HOSTS = []

        assert page_of(url) == f"/portal/invoices/{invoice.number}/"

    def test_taken_up_in_the_portal_leads_back_to_the_portal(
        self, client: Client
    ) -> None:
        invoice = order()
        start_checkout(invoice=invoice, leads_to=ELSEWHERE, at=make.NOW)
        client.force_login(make.member(invoice.customer))

        url = client.post(f"/portal/invoices/{invoice.number}/pay/")["Location"]

        page = f"http://testserver/portal/invoices/{invoice.number}/?returned=1"
        assert page_of(url) == page
        assert Payment.objects.count() == 1

    def test_of_nobody_is_not_found(self, client: Client) -> None:
        assert client.get("/checkout/back/unknown/").status_code == 404
