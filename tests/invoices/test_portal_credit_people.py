"""Who may change what on the page on alerts and auto top-up; and their kept cards."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.models import Customer, User
from billing.models.customers import Role
from billing.services.customers import add_member
from invoices.models import Payment, PaymentMethod
from invoices.services.top_up_runs import start_top_up
from tests import make
from tests.billing.alerting import alert
from tests.invoices.settings_page import PAGE, read, send
from tests.invoices.topping_up import agree, keep_card

pytestmark = pytest.mark.django_db
# The session, the user and their memberships.
SIGN_IN_QUERIES = 3


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock in the middle of November."""
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def customer() -> Customer:
    """Return a customer with 5 credits."""
    return make.customer(credits="5", time_zone="Europe/Berlin")


@pytest.fixture
def browser(client: Client, customer: Customer) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(customer))
    return client


class TestCards:
    def test_in_use_are_removed_and_switch_off(
        self, browser: Client, customer: Customer
    ) -> None:
        method = keep_card(customer)
        agree(customer, method)

        page = send(browser, f"cards/{method.pk}/")

        assert "Card removed." in page
        assert "It is off: its card was removed." in page
        assert "Kept cards" not in page

    def test_of_another_customer_are_not_found(self, browser: Client) -> None:
        others = keep_card(make.customer(external_id="cus_other"))

        assert browser.post(f"{PAGE}cards/{others.pk}/").status_code == 404
        assert PaymentMethod.objects.get().removed_at is None

    @pytest.mark.parametrize(
        ("ticked", "kept"), [({"keep_card": "on"}, True), ({}, False)]
    )
    def test_are_kept_if_the_buyer_says_so(
        self, browser: Client, ticked: dict[str, str], kept: bool
    ) -> None:
        pack = make.pack()
        assert "Keep this card for automatic top-ups" in read(
            browser, "/portal/credits/"
        )

        browser.post("/portal/buy/", {"pack": pack.code} | ticked)

        assert Payment.objects.get().saves_method is kept


class TestWhoMay:
    PATHS = ("alerts/", "alerts/remove/", "top-up/", "top-up/off/", "cards/1/")

    @pytest.mark.parametrize("role", [Role.DEVELOPER, Role.VIEWER])
    def test_only_read(self, browser: Client, customer: Customer, role: Role) -> None:
        agree(customer, keep_card(customer))
        alert(customer, "4")
        add_member(customer=customer, user=User.objects.get(), role=role)

        page = read(browser)

        assert "<strong>Below $4.00</strong>" in page
        assert "Buys $20.00" in page
        assert "An owner or billing member can change what follows." in page
        assert PAGE not in page.replace(f'href="{PAGE}"', "")
        answers = [browser.post(PAGE + path).status_code for path in self.PATHS]
        assert answers == [403] * 5

    def test_change_it(self, browser: Client, customer: Customer) -> None:
        add_member(customer=customer, user=User.objects.get(), role=Role.BILLING)

        assert "Alert added." in send(browser, "alerts/", threshold="5")

    @pytest.mark.parametrize("path", PATHS)
    def test_needs_a_token(self, browser: Client, path: str) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = browser.cookies

        assert strict.post(PAGE + path).status_code == 403

    @pytest.mark.parametrize("path", PATHS)
    def test_reload_what_was_sent(self, browser: Client, path: str) -> None:
        assert browser.get(PAGE + path)["Location"] == PAGE


def test_is_read_in_few_queries(
    browser: Client,
    customer: Customer,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    agree(customer, keep_card(customer))
    alert(customer, "4", "3")

    # The balance, alerts, auto top-up, what it bought, and cards.
    with django_assert_num_queries(SIGN_IN_QUERIES + 5):
        page = read(browser)

    assert "<strong>Below $4.00</strong>" in page


def test_what_a_kept_card_is_charged_for_has_no_button(
    browser: Client, customer: Customer
) -> None:
    agree(customer, keep_card(customer), threshold="20")
    payment = start_top_up(customer_id=customer.pk, at=make.NOW)
    assert payment
    url = f"/portal/invoices/{payment.invoice.number}/"

    assert "Pay now" not in read(browser, url)
    for act in ("pay", "cancel"):
        answer = browser.post(f"{url}{act}/", follow=True)
        assert "A kept card is being charged for it just now." in answer.text


def test_is_led_to_from_the_credits(browser: Client) -> None:
    assert f'href="{PAGE}"' in read(browser, "/portal/credits/")
    assert 'aria-current="page">Credits' in read(browser)
