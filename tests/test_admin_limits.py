"""The reports on limits, as operators use them."""

import csv
from collections.abc import Iterator
from io import StringIO

import pytest
import time_machine
from django.test import Client

from billing.admin import limits
from billing.models import Customer, Plan
from billing.services.refusals import roll_up_refusals
from ratelimits.models import RateLimit
from tests import make
from tests.admin_pages import staff
from tests.billing.limiting import called, plan_with, refuse
from tests.make import NOW
from tests.pages import read, words

pytestmark = pytest.mark.django_db
PRESSURE = "/admin/billing/refusalrollup/pressure/"
SIMULATION = "/admin/billing/refusalrollup/simulation/"
POLICIES = "/admin/ratelimits/ratelimitpolicy/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def analyst() -> Client:
    return staff("ada", "view_refusalrollup", "view_ratelimitpolicy")


@pytest.fixture
def plan() -> Plan:
    return plan_with(rpm=60, tpm=100_000, name="Free")


@pytest.fixture
def customer(plan: Plan) -> Customer:
    return make.customer(plan=plan)


def page_of(browser: Client, url: str) -> str:
    return words(read(browser, url))


class TestPressure:
    def test_shows_who_was_refused_and_what_would_relieve_it(
        self, analyst: Client, customer: Customer
    ) -> None:
        plan_with(rpm=600, tpm=10**6, fee="100", name="Paid")
        called(customer, [0])
        refuse(customer, "requests", times=2)
        refuse(customer, "spend_cap")

        page = page_of(analyst, PRESSURE)

        assert (
            "Example Labs cus_abc123 Free 60 RPM, 100,000 TPM 1 2 – – – 1 50.00%"
            in page
        )
        assert (
            "Paid 600 RPM, 1,000,000 TPM 1 of 60 1,495 of 100,000 "
            "30 $1.50 +$100.00 $101.00" in page
        )

    def test_has_no_tier_for_who_needs_none(
        self, analyst: Client, customer: Customer
    ) -> None:
        refuse(customer, "account_credits")

        page = page_of(analyst, PRESSURE)

        assert "– 0 of 60 0 of 100,000 10 $0.50 – –" in page

    def test_shows_the_days_that_are_chosen(
        self, analyst: Client, customer: Customer
    ) -> None:
        refuse(customer, "requests")

        url = f"{PRESSURE}?first_day=2026-11-14&last_day=2026-11-14"
        assert "No call was refused in these days." in page_of(analyst, url)
        assert "cus_abc123" in page_of(analyst, url.replace("-14", "-15"))

    @pytest.mark.parametrize(
        ("days", "problem"),
        [
            (("2026-11-15", "2026-11-14"), "It must not be before the first day."),
            (("2020-11-15", "2026-11-14"), "Choose 366 days at most."),
            (("2026-11-15", "9999-12-31"), "Choose a day before 9999-12-31."),
            (("soon", "2026-11-15"), "Enter a valid date."),
        ],
    )
    def test_says_what_is_wrong_with_the_days(
        self, analyst: Client, days: tuple[str, str], problem: str
    ) -> None:
        first, last = days

        page = page_of(analyst, f"{PRESSURE}?first_day={first}&last_day={last}")

        assert problem in page
        assert "No call was refused" not in page

    def test_says_when_it_was_added_up(self, analyst: Client) -> None:
        roll_up_refusals(at=NOW)

        assert "last on 2026-11-15 12:00:00 UTC" in page_of(analyst, PRESSURE)

    def test_hands_out_a_file(self, analyst: Client, customer: Customer) -> None:
        Customer.objects.update(name="=1+1")
        refuse(customer, "requests", times=3)

        [row] = file_of(analyst)

        assert (row["customer"], row["name"]) == ("cus_abc123", "'=1+1")
        assert (row["refused_by_requests"], row["share_percent"]) == ("3", "100.00")
        assert (row["amount_refused"], row["currency"]) == ("1.5", "USD")

    def test_the_file_has_the_days_of_the_page(
        self, analyst: Client, customer: Customer
    ) -> None:
        refuse(customer, "requests")

        assert file_of(analyst, "first_day=2026-11-14&last_day=2026-11-14&") == []


def file_of(browser: Client, query: str = "") -> list[dict[str, str]]:
    response = browser.get(f"{PRESSURE}?{query}csv")
    assert 'filename="limit_pressure.csv"' in response["Content-Disposition"]
    text = b"".join(response).decode()
    return list(csv.DictReader(StringIO(text)))


class TestSimulation:
    def test_begins_with_the_policies(
        self, analyst: Client, customer: Customer
    ) -> None:
        policy = customer.plan.rate_limit_policy

        page = read(analyst, SIMULATION)

        assert f'href="{SIMULATION}?policy={policy.pk}"' in page
        assert f"{policy.name} 60 RPM, 100,000 TPM 1" in words(page)

    def test_shows_who_would_be_constrained(
        self, analyst: Client, customer: Customer
    ) -> None:
        called(customer, [-3600, -3600, 0, 0, 0])

        page = page_of(analyst, url_of(customer.plan, rpm_0="1", tpm_0="5000"))

        assert (
            "5 calls of 1 customer from 2026-10-17, tried on 1 RPM, 5,000 TPM" in page
        )
        assert "more would be refused for 1 of them" in page
        assert (
            "cus_abc123 5 – 3 3 – 60.00% 100% 2026-11-15 11:00 2026-11-15 12:00" in page
        )

    def test_tries_a_model_that_had_no_limit(
        self, analyst: Client, customer: Customer
    ) -> None:
        called(customer, [0, 0])

        page = page_of(
            analyst, url_of(customer.plan, model="text-gen-v3", tpm_1="1500")
        )

        assert "tried on not limited; text-gen-v3: 1,500 TPM" in page
        assert "cus_abc123 2 – 1 – 1" in page

    def test_shows_the_models_that_have_one(self, analyst: Client, plan: Plan) -> None:
        RateLimit.objects.create(
            policy=plan.rate_limit_policy, model="voice", rpm=7, tpm=8
        )

        page = read(analyst, f"{SIMULATION}?policy={plan.rate_limit_policy_id}")

        assert 'value="7"' in page
        assert "voice: 7 RPM, 8 TPM" in page

    def test_tries_another_policy_for_one_plan(
        self, analyst: Client, customer: Customer
    ) -> None:
        called(customer, [0, 0])
        small = make.policy(rpm=1, tpm=9999)
        other = make.plan()
        other.rate_limit_policy = customer.plan.rate_limit_policy
        other.save()
        called(make.customer(external_id="cus_other", plan=other), [0, 0])

        page = page_of(
            analyst,
            url_of(customer.plan, instead=str(small.pk), plan=str(customer.plan_id)),
        )

        assert "2 calls of 1 customer" in page
        assert "tried on 1 RPM, 9,999 TPM" in page

    def test_says_that_nobody_called(self, analyst: Client, plan: Plan) -> None:
        page = page_of(analyst, url_of(plan, rpm_0="1"))

        assert "0 calls of 0 customers" in page

    @pytest.mark.parametrize(
        ("chosen", "problem"),
        [
            ({"rpm_1": "5"}, "Say which model the limit is for."),
            ({"rpm_0": "0"}, "greater than or equal to 1"),
            ({"first_day": "2026-01-01"}, "Choose 31 days at most."),
        ],
    )
    def test_says_what_is_wrong(
        self, analyst: Client, plan: Plan, chosen: dict[str, str], problem: str
    ) -> None:
        page = page_of(analyst, url_of(plan, **chosen))

        assert problem in page
        assert "more would be refused" not in page

    def test_leaves_too_many_calls_to_the_command(
        self, analyst: Client, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "MOST_CALLS", 1)
        called(customer, [0, 0])

        page = page_of(analyst, url_of(customer.plan, rpm_0="1"))

        assert "There are more than 1 calls in these days." in page
        assert "manage.py simulate_limits" in page

    @pytest.mark.parametrize("policy", ["0", "x"])
    def test_knows_no_other_policy(self, analyst: Client, policy: str) -> None:
        assert analyst.get(f"{SIMULATION}?policy={policy}").status_code == 404


def url_of(of: Plan, **chosen: str) -> str:
    query = "&".join(f"{name}={value}" for name, value in chosen.items())
    return f"{SIMULATION}?policy={of.rate_limit_policy_id}&run=1&{query}"


class TestPolicies:
    def test_say_how_many_customers_are_on_them(
        self, analyst: Client, customer: Customer
    ) -> None:
        make.customer(external_id="cus_other", plan=customer.plan)

        page = read(analyst, POLICIES)

        policy = customer.plan.rate_limit_policy
        assert f'href="{SIMULATION}?policy={policy.pk}"' in page
        assert f'href="{PRESSURE}"' in page
        assert '<td class="field-customers' in page
        assert "2 Pressure · Simulation" in words(page)


class TestWhoMayReadThem:
    @pytest.mark.parametrize("url", [PRESSURE, SIMULATION])
    def test_needs_the_permission(self, url: str) -> None:
        browser = staff("ada", "view_ratelimitpolicy")

        assert browser.get(url).status_code == 403
        assert url not in browser.get("/admin/").content.decode()

    @pytest.mark.parametrize("url", [PRESSURE, SIMULATION])
    def test_finds_them_in_the_menu(self, analyst: Client, url: str) -> None:
        assert f'href="{url}"' in analyst.get("/admin/").content.decode()
