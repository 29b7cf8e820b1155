"""From an invoice down to one call and back, on the portal's own pages."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import URLPattern, reverse
from pytest_django import DjangoAssertNumQueries

from billing import urls as billing_urls
from billing.models import Customer
from invoices.portal import urls as invoices_urls
from ledger.models import CreditLot
from ledger.money import total
from tests import make
from tests.invoices.state import MONTH_END, final, use
from tests.pages import read

pytestmark = pytest.mark.django_db

NUMBER = "INV-2026-000001"
ARGUMENTS = {
    "pk": 0,
    "number": NUMBER,
    "position": 1,
    "day": "2026-11-15",
    "key": "req_1",
}
PAGES: list[URLPattern] = [*billing_urls.urlpatterns, *invoices_urls.urlpatterns]
# What is sent to one's own page without anything in it.
SETTINGS = {"add-alert": 422, "remove-alert": 422, "set-top-up": 422, "top-up-off": 302}
SETTINGS |= {"buy-amount": 422, "set-cap": 422}
POSTED = {"act", "buy", "pay", "cancel", "remove-card", "remove-cap", *SETTINGS}
# The session, the user and their memberships.
SIGN_IN_QUERIES = 3

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock just after November."""
    with time_machine.travel(MONTH_END, tick=False):
        yield


@pytest.fixture
def customer() -> Customer:
    """Return a customer with an invoice for calls on two days and in two bands."""
    customer = make.customer(credits="100", plan=make.plan(monthly_fee="20"))
    yesterday = make.NOW - timedelta(days=1)
    use(
        make.event("req_1"),
        make.event("req_2", input_tokens=9_001),
        make.event("req_3", input_tokens=7, output_tokens=3),
        make.event("req_4", occurred_at=yesterday),
    )
    final(customer)
    return customer


@pytest.fixture
def browser(client: Client, customer: Customer) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(customer))
    return client


def address(page: URLPattern) -> str:
    values: dict[str, object] = {
        name: ARGUMENTS[name] for name in page.pattern.converters
    }
    if page.name == "lot":
        values["pk"] = CreditLot.objects.earliest("pk").pk
    url = reverse(f"portal:{page.name}", kwargs=values)
    return f"{url}?key=req_1" if page.name == "find" else url


def ask(client: Client, page: URLPattern) -> int:
    send = client.post if page.name in POSTED else client.get
    return send(address(page)).status_code


def links(page: str, pattern: str) -> list[str]:
    found = re.findall(rf'href="(/portal/{pattern})"', page)
    return list(dict.fromkeys(found))


def last_column(page: str) -> list[Decimal]:
    """Return the amounts at the end of each row of a page's tables."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [amount(text) for text in re.findall(r">([^<>]+)</td> </tr>", body)]


def total_of(page: str) -> Decimal:
    found = re.search(r"data-total>([^<]+)<", page)
    assert found
    return amount(found.group(1))


def amount(text: str) -> Decimal:
    return Decimal(text.replace("$", "").replace(",", ""))


class TestDrillDown:
    def test_sums_are_equal_at_every_level(self, browser: Client) -> None:
        invoice = read(browser, f"/portal/invoices/{NUMBER}/")
        lines = links(invoice, rf"invoices/{NUMBER}/\d+/")

        assert len(lines) == 4
        assert total(last_column(invoice)) == total_of(invoice)
        for line in lines:
            _check_line(browser, line)

    def test_every_call_is_on_the_lines_that_lead_to_it(self, browser: Client) -> None:
        line = read(browser, f"/portal/invoices/{NUMBER}/1/")
        (first_day, *_) = links(line, rf"invoices/{NUMBER}/1/[\d-]+/")
        (call, *_) = links(read(browser, first_day), 'calls/[^"]+')

        page = read(browser, call)

        assert f'href="/portal/invoices/{NUMBER}/1/"' in page
        assert f'href="{first_day}"' in page

    @pytest.mark.parametrize("day", ["yesterday", "2026-11-31"])
    def test_knows_no_such_day(self, browser: Client, day: str) -> None:
        response = browser.get(f"/portal/invoices/{NUMBER}/1/{day}/")

        assert response.status_code == 404


def _check_line(browser: Client, url: str) -> None:
    line = read(browser, url)
    days = links(line, rf"{url.removeprefix('/portal/')}[\d-]+/")
    assert "to the last digit" in line
    assert total(last_column(line)) == total_of(line)
    for day, expected in zip(days, last_column(line), strict=True):
        page = read(browser, day)
        assert total(last_column(page)) == total_of(page) == expected


class TestInvoice:
    def test_shows_totals_credits_and_the_rounding(self, browser: Client) -> None:
        page = read(browser, f"/portal/invoices/{NUMBER}/")

        assert '<dd class="figure">$20.10</dd>' in page
        assert '<dd class="figure">$20.00</dd>' in page
        assert "Rounding to USD: -$0.0005192" in page
        assert "0.1005192" in page

    def test_says_what_is_due(self, browser: Client) -> None:
        page = read(browser, f"/portal/invoices/{NUMBER}/")
        overview = read(browser, "/portal/")

        assert "Open: $20.00 is due." in page
        assert "1 invoice open</a>: $20.00" in overview

    def test_is_on_the_list(self, browser: Client) -> None:
        page = read(browser, "/portal/invoices/")

        assert f'href="/portal/invoices/{NUMBER}/"' in page
        assert 'Usage in <time datetime="2026-11">November 2026</time>' in page

    def test_says_that_there_is_none_yet(self, client: Client) -> None:
        client.force_login(make.member(make.customer()))

        assert "No invoices yet" in read(client, "/portal/invoices/")


class TestCall:
    def test_shows_the_whole_arithmetic(self, browser: Client) -> None:
        page = read(browser, "/portal/calls/req_2")

        assert "9,001 input_tokens at $0.003 per 1,000 tokens × 1.8" in page
        assert "1,083 output_tokens at $0.012 per 1,000 tokens × 1.8" in page
        assert "(context band) = $0.0233928." in page
        assert total(last_column(page)) == total_of(page) == Decimal("0.0719982")
        assert 'data-label="Credits">-0.0719982</td>' in page

    def test_shows_what_was_posted(self, browser: Client) -> None:
        page = read(browser, "/portal/calls/req_1")

        assert "<code>latency_ms</code>" in page
        assert "<code>2847</code>" in page
        assert "<code>completion</code>" in page

    def test_says_that_it_came_late(self, browser: Client) -> None:
        use(make.event("req_9"), received_at=MONTH_END)

        page = read(browser, "/portal/calls/req_9")

        assert 'billed in <time datetime="2026-12">December 2026</time>' in page
        assert "Not invoiced yet" in page

    def test_keys_may_hold_any_character(self, browser: Client) -> None:
        key = "a/b?c#d é&<>"
        use(make.event(key), received_at=MONTH_END)

        response = browser.get("/portal/find/", {"key": key})

        assert "a/b?c#d é&amp;&lt;&gt;" in read(browser, response["Location"])


class TestFinding:
    def test_leads_to_the_call(self, browser: Client) -> None:
        response = browser.get("/portal/find/", {"key": " req_1 "})

        assert response["Location"] == "/portal/calls/req_1"

    def test_says_that_there_is_no_such_call(self, browser: Client) -> None:
        response = browser.get("/portal/find/", {"key": "req_<b>"})

        assert response.status_code == 404
        assert "req_&lt;b&gt;" in response.content.decode()

    def test_wants_a_key(self, browser: Client) -> None:
        assert browser.get("/portal/find/").status_code == 404


class TestQueries:
    @pytest.mark.parametrize(
        ("url", "queries"),
        [
            ("/portal/invoices/", 1),
            # The invoice, its lines, their tiers, the credits, payments, refunds and
            # disputes.
            (f"/portal/invoices/{NUMBER}/", 7),
            # The line and its days.
            (f"/portal/invoices/{NUMBER}/1/", 2),
            # The line, the day's sum, its calls, their charges and keys.
            (f"/portal/invoices/{NUMBER}/1/2026-11-15/", 5),
            # The claim, the event, what took it back, what it amends, rates, bands,
            # charges, lines, version, entries.
            ("/portal/calls/req_1", 10),
        ],
    )
    def test_are_few(
        self,
        browser: Client,
        url: str,
        queries: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        with django_assert_num_queries(SIGN_IN_QUERIES + queries):
            page = read(browser, url)

        assert "<h1" in page


class TestStrangers:
    @every_page
    @pytest.mark.usefixtures("customer")
    def test_are_sent_to_sign_in(self, client: Client, page: URLPattern) -> None:
        assert ask(client, page) == 302

    @every_page
    @pytest.mark.usefixtures("customer")
    def test_of_another_customer_find_nothing(
        self, client: Client, page: URLPattern
    ) -> None:
        client.force_login(make.member(make.customer(external_id="cus_other")))

        is_theirs = page.pattern.converters or page.name in POSTED | {"find"}
        expected = SETTINGS.get(page.name or "", 404 if is_theirs else 200)
        assert ask(client, page) == expected

    @every_page
    def test_are_not_the_customers_own_people(
        self, browser: Client, page: URLPattern
    ) -> None:
        # Nothing was taken back, or went back, nor was anything ordered.
        expected = {
            "find": 302,
            "pay": 302,
            "act": 404,
            "buy": 404,
            "correction": 404,
            "remove-card": 404,
            "remove-cap": 404,
            "credit-note": 404,
            "refund": 404,
            "dispute": 404,
            "cancel": 404,
        } | SETTINGS

        assert ask(browser, page) == expected.get(page.name or "", 200)
