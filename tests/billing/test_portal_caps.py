"""The portal's page on spend caps."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from billing.models import CapOwner, CapPeriod, Customer, SpendCap, User
from billing.models.customers import Role
from billing.services.caps import MOST_CAPS
from billing.services.customers import add_member, revoke_api_key
from tests import make, pages
from tests.billing.capping import cap, named_key
from tests.pages import text, words

pytestmark = pytest.mark.django_db
PAGE = "/portal/caps/"
DAY = {"period": "day", "amount": "2.50"}
# The session, the user and their memberships.
SIGN_IN_QUERIES = 3


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock in the middle of November."""
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits, whose days begin in Berlin."""
    return make.customer(credits="10", time_zone="Europe/Berlin")


@pytest.fixture
def browser(client: Client, customer: Customer) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(customer))
    return client


def read(browser: Client) -> str:
    return pages.read(browser, PAGE)


def send(browser: Client, path: str, **values: str) -> str:
    response = browser.post(PAGE + path, values, follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    return text(response)


class TestThePage:
    def test_says_what_is_spent_and_what_follows(
        self, browser: Client, customer: Customer
    ) -> None:
        key = named_key(customer)
        make.record(make.event(api_key=key.prefix))
        cap(customer, "1")
        cap(customer, "0.01", api_key=key, model="text-gen-v3", period=CapPeriod.MONTH)

        page = read(browser)

        said = words(page)
        assert "$1.00 a day, all models, all keys" in said
        assert "$0.014232 of $1.00 spent" in said
        assert "Calls beyond it are refused with 402 until 16 Nov 2026, 00:00" in said
        assert f"$0.01 a month, text-gen-v3 , key app ( {key.prefix} )" in said
        assert "Reached" in said
        assert "Calls are refused with 402 until 1 Dec 2026, 00:00" in said
        meter = '<meter min="0" max="1" value="0.014232" aria-labelledby="cap-'
        assert meter in page

    def test_has_no_meter_where_nothing_may_be_spent(
        self, browser: Client, customer: Customer
    ) -> None:
        cap(customer, "0")

        page = read(browser)

        assert "$0.00 of $0.00 spent" in page
        assert "<meter" not in page

    def test_is_led_to(self, browser: Client) -> None:
        assert "No caps are set" in read(browser)
        assert f'href="{PAGE}" aria-current="page">Spend caps' in read(browser)
        settings = pages.read(browser, "/portal/credits/settings/")
        assert f'<a href="{PAGE}">spend caps</a>' in settings

    def test_is_read_in_few_queries(
        self,
        browser: Client,
        customer: Customer,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for number in range(3):
            cap(customer, api_key=named_key(customer), model=f"model-{number}")
        cap(customer)

        # The keys, the caps, and what is spent of both kinds.
        with django_assert_num_queries(SIGN_IN_QUERIES + 4):
            page = read(browser)

        assert page.count("<meter") == 4


class TestSetting:
    def test_takes_an_amount_alone(self, browser: Client, customer: Customer) -> None:
        page = send(browser, "set/", **DAY)

        assert "Spend cap set." in page
        assert "$2.50 a day" in page
        made = SpendCap.objects.get()
        assert (made.customer, made.set_by) == (customer, "customer")
        assert made.actor == "ada@example.com"

    def test_may_name_a_key_and_a_model(
        self, browser: Client, customer: Customer
    ) -> None:
        key = named_key(customer)

        send(browser, "set/", **DAY, api_key=key.prefix, model="gpt")

        made = SpendCap.objects.get()
        assert (made.api_key, made.model) == (key, "gpt")

    def test_offers_the_customers_keys_in_use(
        self, browser: Client, customer: Customer
    ) -> None:
        used, revoked = named_key(customer), named_key(customer)
        revoke_api_key(key=revoked, at=make.NOW)
        other = named_key(make.customer(external_id="cus_other"))

        page = read(browser)

        assert used.prefix in page
        assert revoked.prefix not in page
        assert other.prefix not in page
        answer = browser.post(f"{PAGE}set/", DAY | {"api_key": other.prefix})
        assert answer.status_code == 422

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"amount": "-1"}, "amount"),
            ({"amount": ""}, "amount"),
            ({"amount": "1000000000.01"}, "amount"),
            ({"period": "week"}, "period"),
            ({"model": "x" * 201}, "model"),
            ({"api_key": "tg_unknown1"}, "api_key"),
        ],
    )
    def test_shows_what_is_wrong(
        self, browser: Client, change: dict[str, str], field: str
    ) -> None:
        response = browser.post(f"{PAGE}set/", DAY | change)

        assert response.status_code == 422
        assert f'id="cap-{field}_error" role="alert"' in text(response)
        assert not SpendCap.objects.exists()

    def test_says_that_there_are_too_many(
        self, browser: Client, customer: Customer
    ) -> None:
        for number in range(MOST_CAPS):
            cap(customer, model=f"model-{number}")

        response = browser.post(f"{PAGE}set/", DAY)

        assert response.status_code == 422
        assert "There are 50 caps: remove one first." in text(response)


class TestRemoving:
    def test_takes_it_away(self, browser: Client, customer: Customer) -> None:
        own = cap(customer)

        assert "Spend cap removed." in send(browser, f"{own.pk}/remove/")
        assert not SpendCap.objects.exists()

    def test_of_ours_is_not_theirs(self, browser: Client, customer: Customer) -> None:
        ours = cap(customer, owner=CapOwner.OPERATOR)

        page = read(browser)

        assert "Set by us" in page
        assert "/remove/" not in page
        assert browser.post(f"{PAGE}{ours.pk}/remove/").status_code == 403
        assert SpendCap.objects.get() == ours

    def test_of_another_customer_finds_nothing(self, browser: Client) -> None:
        other = cap(make.customer(external_id="cus_other"))

        assert browser.post(f"{PAGE}{other.pk}/remove/").status_code == 404
        assert SpendCap.objects.get() == other


class TestWhoMay:
    @pytest.mark.parametrize("role", [Role.DEVELOPER, Role.VIEWER])
    def test_only_read(self, browser: Client, customer: Customer, role: Role) -> None:
        own = cap(customer)
        add_member(customer=customer, user=User.objects.get(), role=role)

        page = read(browser)

        assert "An owner or billing member can change what follows." in page
        assert f'action="{PAGE}' not in page
        for path in ("set/", f"{own.pk}/remove/"):
            assert browser.post(PAGE + path, DAY).status_code == 403
        assert SpendCap.objects.get().amount == own.amount

    def test_change_them(self, browser: Client, customer: Customer) -> None:
        add_member(customer=customer, user=User.objects.get(), role=Role.BILLING)

        assert "Spend cap set." in send(browser, "set/", **DAY)

    @pytest.mark.parametrize("path", ["set/", "1/remove/"])
    def test_needs_a_token(self, browser: Client, path: str) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = browser.cookies

        assert strict.post(PAGE + path, DAY).status_code == 403
        assert browser.get(PAGE + path)["Location"] == PAGE
