"""Calls that were taken back, on the portal's pages."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine
from django.test import Client

from billing.models import Correction
from billing.periods import period_containing
from ledger.money import total
from tests import make
from tests.invoices.state import MONTH_END, final, use
from tests.invoices.test_portal import last_column, links, total_of
from tests.pages import read

pytestmark = pytest.mark.django_db
BEFORE = "INV-2026-000001"
AFTER = "INV-2026-000002"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock just after November."""
    with time_machine.travel(MONTH_END, tick=False):
        yield


@pytest.fixture
def browser(client: Client) -> Client:
    """Return the browser of a customer with a call voided, and one amended.

    Both were invoiced in November, and December takes them back.
    """
    customer = make.customer(credits="100")
    use(
        make.event("req_1"),
        make.event("req_2", input_tokens=9_001),
        make.event("req_3", input_tokens=7, output_tokens=3),
    )
    final(customer)
    make.void(customer, "req_2", at=MONTH_END)
    make.amend(customer, "req_3", by="req_3b", at=MONTH_END, output_tokens=4)
    final(customer, period_containing(MONTH_END, customer.zone))
    client.force_login(make.member(customer))
    return client


def test_the_call_says_that_it_was_taken_back(browser: Client) -> None:
    page = read(browser, "/portal/calls/req_2")

    assert "</time>: “posted twice”." in page
    assert "Taken back: 9,001 input" in page
    back = page.partition("<caption>Charges taken back</caption>")[2]
    assert total_of(back) == total(last_column(back)) == Decimal("-0.0719982")
    assert 'data-label="Credits">+0.0719982</td>' in page


def test_an_amended_call_leads_to_what_stands_instead_and_back(
    browser: Client,
) -> None:
    first = read(browser, "/portal/calls/req_3")
    second = read(browser, "/portal/calls/req_3b")

    assert '<a class="line-link" href="/portal/calls/req_3b">' in first
    assert '<a class="line-link" href="/portal/calls/req_3">' in second


def test_an_adjustment_leads_to_the_line_it_corrects(browser: Client) -> None:
    december = read(browser, f"/portal/invoices/{AFTER}/")
    pages = [read(browser, line) for line in links(december, rf"invoices/{AFTER}/\d+/")]

    corrected = [page for page in pages if "Taken back of November" in page]
    assert len(corrected) == 4
    assert all(links(page, rf"invoices/{BEFORE}/\d+/") for page in corrected)
    assert "Given back to the wallet" in december


def test_sums_are_equal_at_every_level(browser: Client) -> None:
    december = read(browser, f"/portal/invoices/{AFTER}/")

    assert total(last_column(december)) == total_of(december) < 0
    for url in links(december, rf"invoices/{AFTER}/\d+/"):
        line = read(browser, url)
        [day] = links(line, rf"{url.removeprefix('/portal/')}[\d-]+/")
        calls = read(browser, day)
        assert total(last_column(calls)) == total_of(calls) == total_of(line)


def test_the_ledger_leads_to_the_call(browser: Client) -> None:
    ledger = read(browser, "/portal/credits/")
    found = [browser.get(url) for url in links(ledger, r"corrections/\d+/")]

    leads = [response.headers["Location"] for response in found]
    assert leads == ["/portal/calls/req_3", "/portal/calls/req_2"]


def test_strangers_are_led_nowhere(client: Client, browser: Client) -> None:
    url = f"/portal/corrections/{Correction.objects.earliest('pk').pk}/"
    assert browser.get(url).status_code == 302
    client.force_login(make.member(make.customer(external_id="cus_other"), email="b@x"))

    assert client.get(url).status_code == 404


def test_an_event_taken_back_before_it_had_a_price(client: Client) -> None:
    customer = make.customer(credits="50")
    make.record(make.event(model="unheard-of"))
    make.void(customer)
    client.force_login(make.member(customer))

    page = read(client, "/portal/unpriced/")

    assert "Taken back" in page
    assert "/portal/calls/req_1" not in page
