"""The portal's pages about credits and usage, and who may see them."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from billing.models import Customer, User
from billing.models.customers import Role
from billing.models.plans import Mode
from billing.services.customers import add_member
from billing.services.metering import record_events
from ledger.models import Source, Wallet
from tests import make, pages
from tests.make import NOW

pytestmark = pytest.mark.django_db

OCTOBER = NOW - timedelta(days=20)
# The session, the user and their memberships.
SIGN_IN_QUERIES = 3
CELLS = (
    '<td class="number" data-label="Credits">{}</td> '
    '<td class="number" data-label="Book balance">{}</td>'
)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock in the middle of November."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def customer() -> Customer:
    """Return a customer with 10 paid and 5 promotional credits."""
    customer = make.customer(credits="10")
    make.lot(
        customer.wallet,
        "5",
        source=Source.PROMOTION,
        expires_at=NOW + timedelta(days=5),
    )
    return customer


@pytest.fixture
def browser(client: Client, customer: Customer) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(customer))
    return client


def record(key: str, *, at: datetime = NOW, **properties: Any) -> None:
    record_events(
        events=[make.event(key, occurred_at=at, **properties)], received_at=NOW
    )


def read(browser: Client, name: str, query: str = "") -> str:
    return pages.read(browser, reverse(f"portal:{name}") + query)


class TestOverview:
    def test_shows_the_balance_and_the_next_expiry(self, browser: Client) -> None:
        record("req_1")

        page = read(browser, "overview")

        assert "14.985768 credits" in page
        assert '<dd class="figure">$10.00</dd>' in page
        assert "4.985768 credits expire then" in page
        assert '<time datetime="2026-11-20T12:00:00+00:00">20 Nov 2026</time>' in page

    def test_shows_the_spend_of_this_month_and_the_last(self, browser: Client) -> None:
        record("req_1")
        record("req_2", at=OCTOBER, output_tokens=0)

        page = read(browser, "overview")

        assert "$0.014232 so far" in page
        assert "$0.001236 in all" in page
        assert "text-gen-v3" in page

    def test_shows_an_overdraft(self, browser: Client) -> None:
        record("req_1", output_tokens=2_000_000)

        page = read(browser, "overview")

        assert '<dd class="figure figure-bad">$9.00</dd>' in page

    def test_shows_what_is_left_of_a_credit_limit(self, client: Client) -> None:
        customer = make.customer(plan=make.plan(mode=Mode.POSTPAID))
        Wallet.objects.filter(pk=customer.wallet_id).update(credit_limit=100)
        client.force_login(make.member(customer))
        record("req_1", output_tokens=2_000_000)

        page = read(client, "overview")

        assert '<dt>Not yet paid</dt> <dd class="figure">$24.00</dd>' in page
        assert '<dt>Spendable now</dt> <dd class="figure">$76.00</dd>' in page
        assert "with a credit limit of $100.00" in page
        assert "Overdraft" not in page

    def test_is_read_in_few_queries(
        self, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        record("req_1")

        # The balance, open invoices, the months' usage by model, by day, and in sum,
        # and what was settled.
        with django_assert_num_queries(SIGN_IN_QUERIES + 6):
            page = read(browser, "overview")

        assert "<h1" in page


class TestUsage:
    def test_adds_up_by_day_and_model(self, browser: Client) -> None:
        record("req_1")
        record("req_2")
        record("req_3", at=NOW - timedelta(days=1), output_tokens=0)

        page = read(browser, "usage")

        assert 'data-label="Output tokens">2,166</td>' in page
        assert 'data-label="Spend">$0.028464</td>' in page
        assert "data-total>$0.0297</td>" in page

    def test_has_a_column_for_each_dimension(self, client: Client) -> None:
        images = "---\nmodel: image-gen\nrates:\n  - dimension: images\n"
        price = "    unit: 1 image\n    price_usd: 0.04\n"
        card = make.rate_card(make.SEED_CARD + images + price)
        client.force_login(make.member(make.customer(plan=make.plan(card=card))))
        record("req_1", model="image-gen", input_tokens=0, output_tokens=0, images=3)
        record("req_2")

        page = read(client, "usage")

        assert 'data-label="Images">3</td>' in page
        assert 'data-label="Input tokens">–</td>' in page
        assert "data-total>$0.134232</td>" in page

    def test_has_no_column_for_what_is_missing_to_the_least(
        self, client: Client
    ) -> None:
        card = make.rate_card(f"minimum_usd: 1\n{make.SEED_CARD}")
        client.force_login(make.member(make.customer(plan=make.plan(card=card))))
        record("req_1")

        page = read(client, "usage")

        assert ">Minimum<" not in page
        assert "data-total>$1.00</td>" in page

    def test_leads_to_the_months_around_it(self, browser: Client) -> None:
        record("req_1")
        record("req_2", at=OCTOBER)

        assert "?month=2026-10" in read(browser, "usage")
        assert "?month=2026-11" in read(browser, "usage", "?month=2026-10")

    def test_says_that_fees_are_not_in_it(self, browser: Client) -> None:
        assert "without fees: $0.00" in read(browser, "usage")

    def test_says_that_a_month_is_empty(self, browser: Client) -> None:
        assert "No usage was billed" in read(browser, "usage", "?month=2025-01")

    @pytest.mark.parametrize("month", ["2026-13", "0001-01", "9999-12", "x"])
    def test_knows_no_such_month(self, browser: Client, month: str) -> None:
        assert browser.get(f"/portal/usage/?month={month}").status_code == 404

    def test_days_begin_where_the_customer_lives(self, client: Client) -> None:
        tokyo = make.customer(external_id="cus_tokyo", time_zone="Asia/Tokyo")
        client.force_login(make.member(tokyo))
        late_evening = NOW.replace(hour=20)

        with time_machine.travel(late_evening, tick=False):
            record("req_1", at=late_evening)
            record_events(
                events=[make.event(customer="cus_tokyo", occurred_at=late_evening)],
                received_at=late_evening,
            )
            page = read(client, "usage")

        assert '<time datetime="2026-11-16">Mon 16 Nov 2026</time>' in page
        assert "<title>Usage in November 2026 – Tollgate</title>" in page


class TestCredits:
    def test_shows_lots_and_what_became_of_them(
        self, browser: Client, customer: Customer
    ) -> None:
        make.lot(customer.wallet, "3", expires_at=NOW - timedelta(days=1))
        make.lot(customer.wallet, "2", starts_at=NOW + timedelta(days=1))
        record("req_1", output_tokens=500_000)

        page = read(browser, "credits")

        assert page.count('tag-good">Active') == 1
        for state in ("Used up", "Expired", "Scheduled"):
            assert f">{state}<" in page

    def test_shows_the_ledger_with_its_running_balance(self, browser: Client) -> None:
        record("req_1")

        page = read(browser, "credits")

        assert CELLS.format("+10.00", "10.00") in page
        assert CELLS.format("-0.014232", "14.985768") in page
        assert reverse("portal:call", args=["req_1"]) in page

    def test_says_which_day_an_entry_is_for(self, browser: Client) -> None:
        record("req_1", at=OCTOBER)

        page = read(browser, "credits")

        assert 'for <time datetime="2026-10-26T12:00:00+00:00">26 Oct 2026' in page

    def test_pages_through_the_ledger(self, browser: Client) -> None:
        record_events(
            events=[make.event(f"req_{number}") for number in range(60)],
            received_at=NOW,
        )

        first = read(browser, "credits")
        second = read(browser, "credits", "?before=13")

        assert "?before=13#ledger" in first
        assert first.count("/portal/calls/") == 50
        assert second.count("/portal/calls/") == 10
        assert "First page" in second

    def test_costs_no_more_queries_with_more_entries(
        self, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        record("req_1")
        record("req_2")

        # The balance, the lots, what is frozen, the entries, and the packs.
        with django_assert_num_queries(SIGN_IN_QUERIES + 5):
            page = read(browser, "credits")

        assert "req_2" in page

    def test_begins_with_links_to_its_parts(
        self, browser: Client, customer: Customer
    ) -> None:
        sold = make.pack()
        lot = customer.wallet.lots.earliest("pk")

        page = read(browser, "credits")

        for part in ("buy", "grants", "ledger"):
            assert f'<a href="#{part}">' in page
            assert f'id="{part}"' in page
        assert page.index('href="#buy"') < page.index(f'value="{sold.code}"')
        assert page.index('href="#ledger"') < page.index(f"/credits/{lot.pk}/")

    def test_keeps_the_card_of_each_purchase_by_itself(self, browser: Client) -> None:
        for _ in range(2):
            make.pack()

        page = read(browser, "credits")

        forms = re.findall(r'<form class="pack".*?</form>', page)
        assert [form.count('name="keep_card"') for form in forms] == [1, 1]

    def test_breaks_an_address_at_its_signs_alone(self, browser: Client) -> None:
        page = read(browser, "credits")

        assert "ada@<wbr>example.<wbr>com" in page

    def test_offers_packs_to_those_who_may_buy(
        self, browser: Client, customer: Customer
    ) -> None:
        sold = make.pack(bonus="5")

        offer = read(browser, "credits")
        add_member(customer=customer, user=User.objects.get(), role=Role.VIEWER)
        view = read(browser, "credits")

        assert "+ 5.00 bonus" in offer
        assert "Expire 365 days after payment" in offer
        assert f'value="{sold.code}"' in offer
        assert f'value="{sold.code}"' not in view

    @pytest.mark.parametrize("place", ["0", "-1", "x", "9223372036854775808"])
    def test_knows_no_such_place(self, browser: Client, place: str) -> None:
        assert browser.get(f"/portal/credits/?before={place}").status_code == 404
