"""The portal's pages about credits and usage, and who may see them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from billing.models import Customer, Membership, User
from billing.models.customers import Role
from billing.services.customers import add_member
from billing.services.metering import record_events
from ledger.models import Source
from tests import make
from tests.make import NOW

pytestmark = pytest.mark.django_db

OCTOBER = NOW - timedelta(days=20)
# The session, the user and their memberships.
SIGN_IN_QUERIES = 3


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
    response = browser.get(reverse(f"portal:{name}") + query)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


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

    def test_is_read_in_few_queries(
        self, browser: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        record("req_1")

        # The balance, the months' usage by model, by day, and in sum.
        with django_assert_num_queries(SIGN_IN_QUERIES + 4):
            page = read(browser, "overview")

        assert "<h1" in page


class TestUsage:
    def test_adds_up_by_day_and_model(self, browser: Client) -> None:
        record("req_1")
        record("req_2")
        record("req_3", at=NOW - timedelta(days=1), output_tokens=0)

        page = read(browser, "usage")

        assert '<td class="number">2,166</td>' in page
        assert '<td class="number">$0.028464</td>' in page
        assert "data-total>$0.0297</td>" in page

    def test_has_a_column_for_each_dimension(self, client: Client) -> None:
        images = "---\nmodel: image-gen\nrates:\n  - dimension: images\n"
        price = "    unit: 1 image\n    price_usd: 0.04\n"
        card = make.rate_card(make.SEED_CARD + images + price)
        client.force_login(make.member(make.customer(plan=make.plan(card=card))))
        record("req_1", model="image-gen", input_tokens=0, output_tokens=0, images=3)
        record("req_2")

        page = read(client, "usage")

        assert '<td class="number">3</td><td class="number">–</td>' in page
        assert "data-total>$0.134232</td>" in page

    def test_leads_to_the_months_around_it(self, browser: Client) -> None:
        record("req_1")
        record("req_2", at=OCTOBER)

        assert "?month=2026-10" in read(browser, "usage")
        assert "?month=2026-11" in read(browser, "usage", "?month=2026-10")

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

        assert '<td class="number">+10.00</td> <td class="number">10.00</td>' in page
        assert '<td class="number">-0.014232</td> <td class="number">14.985768' in page
        assert reverse("portal:call", args=["req_1"]) in page

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

        # The balance, the lots, the entries, and the packs.
        with django_assert_num_queries(SIGN_IN_QUERIES + 4):
            page = read(browser, "credits")

        assert "req_2" in page

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


class TestQuarantine:
    def test_says_why_an_event_has_no_price(self, browser: Client) -> None:
        record("req_1", model="unheard-of")

        page = read(browser, "quarantine")

        assert "req_1" in page
        assert "Unknown model" in page
        assert "Waiting for a price" in page

    def test_shows_nobody_elses(self, browser: Client) -> None:
        make.customer(external_id="cus_other")
        other = make.event("req_9", customer="cus_other", model="unheard-of")
        record_events(events=[other], received_at=NOW)

        assert "req_9" not in read(browser, "quarantine")


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

        assert "77.00 credits" not in read(browser, "overview")
        browser.post("/portal/act/", {"customer": second.pk})

        assert "77.00 credits" in read(browser, "overview")

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
