"""Back from a checkout: waiting for the provider's word, and leaving an order."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from billing.models import Customer, User
from billing.models.customers import Role
from billing.services.customers import add_member
from invoices.models import Invoice, Status
from invoices.services.purchases import buy_pack
from tests import make, pages
from tests.invoices.refunding import paid
from tests.make import NOW
from tests.pages import text

pytestmark = pytest.mark.django_db
PAGE = "/portal/invoices/INV-2026-000001/"
WAITING = "Waiting for the provider's word."
PAY_NOW = '<button type="submit" class="button">Pay now</button>'


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock in the middle of November."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def customer() -> Customer:
    return make.customer()


@pytest.fixture
def invoice(customer: Customer) -> Invoice:
    return buy_pack(customer=customer, pack=make.pack(), at=NOW)


@pytest.fixture
def browser(client: Client, customer: Customer, invoice: Invoice) -> Client:
    """Return the browser of a person whose customer ordered a pack."""
    assert invoice.status == Status.OPEN
    client.force_login(make.member(customer))
    return client


def read(browser: Client, query: str = "") -> str:
    return pages.read(browser, PAGE + query)


def send(browser: Client, act: str) -> str:
    """Press a button of the invoice; returns the page that it leads to."""
    response = browser.post(f"{PAGE}{act}/", follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    return text(response)


class TestComingBack:
    def test_waits_for_the_providers_word(self, browser: Client) -> None:
        browser.post(f"{PAGE}pay/")

        page = read(browser, "?returned=1")

        assert WAITING in page
        assert f'content="5; url={PAGE}?returned=2">' in page
        assert "Pay again, or continue" in page
        assert PAY_NOW not in page

    def test_looks_again_for_a_minute_and_no_longer(self, browser: Client) -> None:
        browser.post(f"{PAGE}pay/")

        assert f"url={PAGE}?returned=12" in read(browser, "?returned=11")
        last = read(browser, "?returned=12")

        assert WAITING in last
        assert "http-equiv" not in last
        assert "Look again" in last

    @pytest.mark.parametrize("query", ["", "?returned=1"])
    def test_is_not_awaited_before_a_checkout_was_begun(
        self, browser: Client, query: str
    ) -> None:
        page = read(browser, query)

        assert WAITING not in page
        assert "http-equiv" not in page
        assert PAY_NOW in page

    def test_is_not_awaited_by_those_who_come_another_way(
        self, browser: Client
    ) -> None:
        browser.post(f"{PAGE}pay/")

        assert PAY_NOW in read(browser)

    def test_ends_once_it_is_paid(self, browser: Client, invoice: Invoice) -> None:
        paid(invoice)

        page = read(browser, "?returned=3")

        assert "Paid in money" in page
        assert WAITING not in page
        assert "http-equiv" not in page

    @pytest.mark.parametrize("looks", ["0", "14", "x"])
    def test_knows_no_other_count(self, browser: Client, looks: str) -> None:
        assert browser.get(f"{PAGE}?returned={looks}").status_code == 404


class TestPaying:
    def test_what_is_paid_leads_back(self, browser: Client, invoice: Invoice) -> None:
        paid(invoice)

        assert "It is paid already." in send(browser, "pay")
        assert "It is paid already." in send(browser, "cancel")

    def test_what_is_void_leads_back(self, browser: Client) -> None:
        send(browser, "cancel")

        assert "It is void: nothing is owed for it." in send(browser, "pay")


class TestCanceling:
    def test_an_order_that_is_not_wanted(self, browser: Client) -> None:
        assert "Cancel the order" in read(browser)

        page = send(browser, "cancel")

        assert "Canceled: nothing is owed for it." in page
        assert "Void since" in page
        assert "Cancel the order" not in page
        assert Invoice.objects.get().voided_by == "ada@example.com"

    @pytest.mark.parametrize("role", [Role.DEVELOPER, Role.VIEWER])
    def test_is_not_for_everybody(
        self, browser: Client, customer: Customer, role: Role
    ) -> None:
        add_member(customer=customer, user=User.objects.get(), role=role)

        assert "Cancel the order" not in read(browser)
        assert browser.post(f"{PAGE}cancel/").status_code == 403
        assert Invoice.objects.get().status == Status.OPEN

    @pytest.mark.usefixtures("invoice")
    def test_is_not_for_other_customers(self, client: Client) -> None:
        client.force_login(make.member(make.customer(external_id="cus_other")))

        assert client.post(f"{PAGE}cancel/").status_code == 404
        assert client.post(f"{PAGE}pay/").status_code == 404
        assert Invoice.objects.get().status == Status.OPEN
