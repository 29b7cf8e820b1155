"""What the portal says of events without a price."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Customer
from tests import make, pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits."""
    return make.customer(credits="10")


@pytest.fixture
def browser(client: Client, customer: Customer) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(customer))
    return client


def page_after(browser: Client, **properties: Any) -> str:
    make.record(make.event("req_1", **properties))
    return read(browser)


def read(browser: Client) -> str:
    return pages.read(browser, reverse("portal:quarantine"))


def test_it_says_why_an_event_has_no_price(browser: Client) -> None:
    page = page_after(browser, model="unheard-of")

    assert "req_1" in page
    assert "Unknown model" in page
    assert "Waiting for a price" in page


@pytest.mark.parametrize(
    "properties", [{"input_tokens": -1}, {"usage": {"what_is": "this"}}]
)
def test_it_says_what_no_price_can_cure(
    browser: Client, properties: dict[str, Any]
) -> None:
    page = page_after(browser, **properties)

    assert "Cannot be priced as it was posted" in page
    assert "Waiting for a price" not in page


def test_it_leads_to_what_stands_instead(browser: Client, customer: Customer) -> None:
    make.record(make.event("req_1", input_tokens=-1))
    make.amend(customer, input_tokens=1)

    link = reverse("portal:call", args=["req_1b"])
    assert f'<a href="{link}">req_1b</a> stands instead' in read(browser)


def test_it_shows_nobody_elses(browser: Client) -> None:
    make.customer(external_id="cus_other")
    make.record(make.event("req_9", customer="cus_other", model="unheard-of"))

    assert "req_9" not in read(browser)
