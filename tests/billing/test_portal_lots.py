"""A lot's own page in the portal, and the ledger by kind."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.models import Customer
from ledger.models import Book, CreditLot, Kind, Source
from ledger.services import expire_wallet
from tests import make, pages
from tests.billing.test_portal import SIGN_IN_QUERIES, read
from tests.invoices.state import use
from tests.ledger.history import post, recorded, sell
from tests.make import NOW

pytestmark = pytest.mark.django_db
YESTERDAY = NOW - timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock, and the database's, in the middle of November."""
    with time_machine.travel(NOW, tick=False), recorded(NOW):
        yield


@pytest.fixture
def customer() -> Customer:
    return make.customer()


@pytest.fixture
def browser(client: Client, customer: Customer) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(customer))
    return client


def page_of(browser: Client, lot: CreditLot, query: str = "") -> str:
    return pages.read(browser, f"/portal/credits/{lot.pk}/{query}")


def sum_row(what: str, amount: str) -> str:
    return f'<th scope="row">{what}</th> <td class="number">{amount}</td>'


class TestLot:
    def test_says_what_was_granted_and_what_it_cost(
        self, browser: Client, customer: Customer
    ) -> None:
        lot = sell(customer.wallet, "50", price="45")
        number = lot.reference.removeprefix("invoice:")

        page = page_of(browser, lot)

        assert "Purchase of 50.00 credits</h1>" in page
        assert f'href="/portal/invoices/{number}/">{number}</a>' in page
        assert '<dd class="figure">$45.00</dd>' in page
        assert "without an end" in page
        assert "given for free" not in page

    def test_sums_up_what_became_of_it(
        self, browser: Client, customer: Customer
    ) -> None:
        make.spend(customer.wallet, "5")
        lot = sell(customer.wallet, "50", price="45")
        use(make.event(), make.event("req_2"))
        make.void(customer)
        post(customer.wallet, Kind.REFUND, Book.REFUNDED, "-10", lot=lot)

        page = page_of(browser, lot)

        assert sum_row("Granted", "+50.00") in page
        assert sum_row("Given back by corrections", "+0.014232") in page
        assert sum_row("Settled overdraft", "-5.00") in page
        assert sum_row("Refunded, or taken back", "-10.00") in page
        assert sum_row("Remaining", "34.985768") in page
        assert "2 calls, <time" in page
        assert '<td class="number">-0.028464</td>' in page
        assert "Expired</th>" not in page

    def test_lists_its_entries_with_what_was_left(
        self, browser: Client, customer: Customer
    ) -> None:
        lot = make.lot(customer.wallet, "10")
        use(make.event())

        page = page_of(browser, lot)

        assert 'href="/portal/calls/req_1">req_1</a>' in page
        assert 'data-label="Credits">-0.014232</td>' in page
        assert 'data-label="Remaining">9.985768</td>' in page

    def test_goes_on_to_older_entries(
        self, browser: Client, customer: Customer
    ) -> None:
        lot = make.lot(customer.wallet, "100")
        for _ in range(50):
            make.spend(customer.wallet, "1")

        assert 'href="?before=2#entries" rel="next"' in page_of(browser, lot)
        older = page_of(browser, lot, "?before=2")
        assert 'data-label="Remaining">100.00</td>' in older
        assert 'href="?#entries">First page</a>' in older

    def test_says_that_it_has_expired_before_the_sweep_came(
        self, browser: Client, customer: Customer
    ) -> None:
        lot = make.lot(customer.wallet, "5", source=Source.TRIAL, expires_at=YESTERDAY)

        page = page_of(browser, lot)

        assert "These credits have expired" in page
        assert '<dd class="figure">0.00</dd>' in page
        assert "given for free" in page

    def test_shows_what_the_sweep_took(
        self, browser: Client, customer: Customer
    ) -> None:
        lot = make.lot(customer.wallet, "5", source=Source.TRIAL, expires_at=YESTERDAY)
        expire_wallet(wallet_id=customer.wallet_id, expired_before=NOW, actor="sweep")

        page = page_of(browser, lot)

        assert sum_row("Expired", "-5.00") in page
        assert "End of their time" in page
        assert "These credits have expired" not in page

    def test_is_not_shown_to_another_customer(self, browser: Client) -> None:
        other = make.customer(external_id="cus_other", credits="5")
        lot = CreditLot.objects.get(wallet=other.wallet)

        assert browser.get(f"/portal/credits/{lot.pk}/").status_code == 404

    def test_is_shown_to_nobody_who_has_not_signed_in(self, client: Client) -> None:
        lot = make.lot(make.customer().wallet, "5")

        assert client.get(f"/portal/credits/{lot.pk}/").status_code == 302

    def test_is_read_in_few_queries(
        self,
        browser: Client,
        customer: Customer,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        lot = make.lot(customer.wallet, "10")
        use(make.event(), make.event("req_2"))

        # A savepoint and its release, the lot, its sums, its entries.
        with django_assert_num_queries(SIGN_IN_QUERIES + 5):
            page = page_of(browser, lot)

        assert "req_2" in page


class TestLedger:
    def test_leads_to_the_lot_of_an_entry(
        self, browser: Client, customer: Customer
    ) -> None:
        lot = make.lot(customer.wallet, "10")

        page = read(browser, "credits")

        link = f'<a href="/portal/credits/{lot.pk}/">Purchase</a>'
        assert page.count(link) == 2

    def test_shows_one_kind_alone(self, browser: Client, customer: Customer) -> None:
        make.lot(customer.wallet, "10")
        use(make.event())

        page = read(browser, "credits", "?kind=grant")

        assert 'data-label="Credits">+10.00</td>' in page
        assert 'data-label="Credits">-0.014232</td>' not in page
        assert '<option value="grant" selected>Grant</option>' in page

    def test_keeps_the_kind_from_page_to_page(
        self, browser: Client, customer: Customer
    ) -> None:
        make.lot(customer.wallet, "100")
        for _ in range(51):
            make.spend(customer.wallet, "1")

        page = read(browser, "credits", "?kind=usage")
        assert 'href="?kind=usage&amp;before=3#ledger" rel="next"' in page
        older = read(browser, "credits", "?kind=usage&before=3")
        assert 'href="?kind=usage&amp;#ledger">First page</a>' in older

    def test_says_that_none_is_of_a_kind(
        self, browser: Client, customer: Customer
    ) -> None:
        make.lot(customer.wallet, "100")

        assert "No entry is of this kind." in read(browser, "credits", "?kind=refund")

    def test_has_no_filter_before_anything_moved(self, browser: Client) -> None:
        assert "All entries" not in read(browser, "credits")

    def test_knows_no_other_kinds(self, browser: Client) -> None:
        assert browser.get("/portal/credits/?kind=gift").status_code == 404

    def test_names_the_month_of_a_true_up_where_the_customer_lives(self) -> None:
        with timezone.override("Europe/Berlin"):
            cause = {"cause": "true_up:2026-10-31T23:00:00Z"}
            words = render_to_string("portal/cause.html", cause).split()

        assert words[:2] == ["True-up", "of"]
        assert words[-1] == "2026</time>"
        assert "2026-11" in words[-2]
