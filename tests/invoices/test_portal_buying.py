"""Buying credits and paying invoices in the portal, as far as the checkout."""

from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client

from billing.models import Customer, User
from billing.models.customers import Role
from billing.services.customers import add_member
from invoices.models import Invoice, Payment, Status
from tests import make
from tests.invoices.state import MONTH_END, final
from tests.pages import read, text

pytestmark = pytest.mark.django_db

NUMBER = "INV-2026-000001"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock just after November."""
    with time_machine.travel(MONTH_END, tick=False):
        yield


@pytest.fixture
def customer() -> Customer:
    """Return a customer with an open invoice for a monthly fee."""
    customer = make.customer(plan=make.plan(monthly_fee="20"))
    final(customer)
    return customer


@pytest.fixture
def browser(client: Client, customer: Customer) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(customer))
    return client


def returns_to(checkout: str) -> str:
    """Return the path that a checkout leads back to."""
    [address] = parse_qs(urlsplit(checkout).query)["return_url"]
    reference = urlsplit(address).path.split("/")[-2]
    return urlsplit(Payment.objects.get(reference=reference).leads_to).path


class TestBuying:
    def test_leads_to_the_payment_of_an_open_invoice(self, browser: Client) -> None:
        response = browser.post("/portal/buy/", {"pack": make.pack().code})

        bought = Invoice.objects.latest("pk")
        assert response.status_code == 302
        assert "/checkout/" in response["Location"]
        assert returns_to(response["Location"]) == f"/portal/invoices/{bought.number}/"
        assert (bought.status, bought.total) == (Status.OPEN, Decimal(50))

    def test_needs_a_token(self, browser: Client) -> None:
        strict = Client(enforce_csrf_checks=True, cookies=browser.cookies)
        strict.cookies = browser.cookies

        response = strict.post("/portal/buy/", {"pack": make.pack().code})

        assert response.status_code == 403
        assert Invoice.objects.count() == 1

    @pytest.mark.parametrize("role", [Role.DEVELOPER, Role.VIEWER])
    def test_is_not_for_everybody(
        self, browser: Client, customer: Customer, role: Role
    ) -> None:
        add_member(customer=customer, user=User.objects.get(), role=role)

        pack = browser.post("/portal/buy/", {"pack": make.pack().code})
        amount = browser.post("/portal/buy/amount/", {"amount": "5"})

        assert (pack.status_code, amount.status_code) == (403, 403)
        assert 'name="amount"' not in read(browser, "/portal/credits/")

    def test_knows_no_other_pack(self, browser: Client) -> None:
        assert browser.post("/portal/buy/", {"pack": "free"}).status_code == 404

    def test_takes_an_amount_without_a_pack(self, browser: Client) -> None:
        order = {"amount": "12.50", "keep_card": "on"}
        response = browser.post("/portal/buy/amount/", order)

        bought = Invoice.objects.latest("pk")
        assert "/checkout/" in response["Location"]
        assert (bought.total, bought.credits) == (Decimal("12.5"), Decimal("12.5"))
        assert bought.payments.get().saves_method

    def test_says_between_what_an_amount_has_to_be(self, browser: Client) -> None:
        page = read(browser, "/portal/credits/")

        assert "Choose from $5.00 to $10,000.00" in page
        assert '<label for="buy-amount">Amount (USD)</label>' in page

    @pytest.mark.parametrize(
        ("amount", "problem"),
        [
            ("4.99", "Choose an amount from $5.00 to $10,000.00."),
            ("10000.01", "Choose an amount from $5.00 to $10,000.00."),
            ("5.001", "An amount in USD is a multiple of 0.01."),
            ("", "This field is required."),
            ("much", "Enter a number. In plain digits, such as 12.50."),
        ],
    )
    def test_says_at_the_field_what_is_wrong_with_an_amount(
        self, browser: Client, amount: str, problem: str
    ) -> None:
        order = {"amount": amount, "keep_card": "on"}
        response = browser.post("/portal/buy/amount/", order)

        page = text(response)
        assert response.status_code == 422
        assert f'id="buy-amount_error" role="alert">{problem}</p>' in page
        assert f'value="{amount}"' in page or not amount
        assert 'name="keep_card" checked' in page
        assert Invoice.objects.count() == 1

    def test_of_an_amount_that_is_reloaded_leads_to_the_credits(
        self, browser: Client
    ) -> None:
        response = browser.get("/portal/buy/amount/")

        assert response["Location"] == "/portal/credits/"

    def test_an_open_invoice_is_paid_the_same_way(self, browser: Client) -> None:
        page = read(browser, f"/portal/invoices/{NUMBER}/")
        response = browser.post(f"/portal/invoices/{NUMBER}/pay/")

        assert "Pay now" in page
        assert "/checkout/" in response["Location"]
        assert returns_to(response["Location"]) == f"/portal/invoices/{NUMBER}/"

    def test_says_that_a_pack_is_not_paid(self, browser: Client) -> None:
        browser.post("/portal/buy/", {"pack": make.pack().code})

        page = read(browser, "/portal/invoices/INV-2026-000002/")

        assert "Not paid: the credits come once $50.00 has been received." in page
        assert '<span class="tag tag-warn">Not paid</span>' in page
        assert "1 invoice open" in read(browser, "/portal/")
