"""Signing in to the portal, and acting for one customer or another."""

import pytest
from django.test import Client

from billing.models import Customer, Membership, User
from billing.models.customers import Role
from billing.services.customers import add_member
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """Return a customer without credits."""
    return make.customer()


@pytest.fixture
def browser(client: Client, customer: Customer) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(customer))
    return client


class TestSigningIn:
    def test_leads_to_the_overview(self, client: Client, customer: Customer) -> None:
        make.member(customer)
        form = {"username": "ada@example.com", "password": make.PASSWORD}

        response = client.post("/login/", form)

        assert response["Location"] == "/portal/"

    def test_says_that_it_failed(self, client: Client) -> None:
        form = {"username": "ada@example.com", "password": "guess"}

        page = client.post("/login/", form).content.decode()

        assert 'role="alert"' in page
        assert ">E-mail</label>" in page
        assert "Username" not in page

    def test_out_leads_back(self, browser: Client) -> None:
        assert browser.post("/logout/")["Location"] == "/login/"
        assert browser.get("/portal/").status_code == 302

    def test_the_root_leads_to_the_portal(self, client: Client) -> None:
        assert client.get("/")["Location"] == "/portal/"

    def test_a_person_who_acts_for_nobody_sees_nothing(self, client: Client) -> None:
        client.force_login(User.objects.create_user(username="stranger"))

        assert client.get("/portal/").status_code == 403


class TestSwitching:
    def test_a_person_may_act_for_each_of_their_customers(
        self, browser: Client
    ) -> None:
        second = make.customer(external_id="cus_second", credits="77")
        add_member(customer=second, user=User.objects.get(), role=Role.VIEWER)

        assert "77.00 credits" not in browser.get("/portal/").content.decode()
        browser.post("/portal/act/", {"customer": second.pk})

        assert "77.00 credits" in browser.get("/portal/").content.decode()

    @pytest.mark.parametrize("wanted", ["1", "x", ""])
    def test_a_person_may_not_act_for_another(
        self, browser: Client, wanted: str
    ) -> None:
        other = make.customer(external_id="cus_other")

        response = browser.post("/portal/act/", {"customer": wanted and other.pk})

        assert response.status_code == 404

    def test_a_person_who_left_sees_nothing_any_more(self, browser: Client) -> None:
        Membership.objects.get().delete()

        assert browser.get("/portal/").status_code == 403
