"""Trying a version in the admin: asked for on a form, followed on a page."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from billing.models import Backtest, BacktestLine, RateCardVersion
from billing.services.backtests import start_backtest
from config.celery import app
from tests import make
from tests.admin_pages import staff
from tests.billing.backtesting import (
    END,
    OWN,
    RICH,
    START,
    backtest_on,
    draft,
    planned,
)
from tests.make import NOW
from tests.pages import read, text, words

pytestmark = pytest.mark.django_db
ADD = "/admin/billing/backtest/add/"


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    app.conf.task_always_eager = True
    with time_machine.travel(NOW, tick=False):
        yield
    app.conf.task_always_eager = False


@pytest.fixture
def version() -> RateCardVersion:
    """Return a draft that loses a model and prices another, on a customer's usage."""
    card = make.rate_card(RICH)
    make.customer(plan=make.plan(card=card), credits="50")
    image = make.event("image", model="draw", images=3, input_tokens=0, output_tokens=0)
    odd = make.event("odd", model="unheard-of", input_tokens=1000)
    make.record(make.event(), image, odd)
    other = OWN.replace("text-gen-v3", "unheard-of")
    return draft(card, f"{OWN.replace('0.003', '0.006')}---\n{other}")


@pytest.fixture
def operator() -> Client:
    return staff("ada", "view_ratecardversion", "change_ratecardversion")


def page_of(backtest: Backtest, browser: Client) -> str:
    url = f"/admin/billing/backtest/{backtest.pk}/change/"
    return words(read(browser, url))


def test_a_versions_page_leads_to_the_form(
    operator: Client, version: RateCardVersion
) -> None:
    page = operator.get(f"/admin/billing/ratecardversion/{version.pk}/change/")

    assert f"{ADD}?version={version.pk}" in page.content.decode()


@pytest.mark.parametrize(
    ("days", "start", "end"),
    [
        ({"period": "last_30_days"}, NOW - timedelta(days=30), NOW),
        (
            {"period": "last_month"},
            datetime(2026, 10, 1, tzinfo=UTC),
            datetime(2026, 11, 1, tzinfo=UTC),
        ),
        (
            {"period": "custom", "first_day": "2026-11-02", "last_day": "2026-11-02"},
            datetime(2026, 11, 2, tzinfo=UTC),
            datetime(2026, 11, 3, tzinfo=UTC),
        ),
    ],
)
def test_the_days_are_chosen(
    operator: Client,
    version: RateCardVersion,
    days: dict[str, str],
    start: datetime,
    end: datetime,
) -> None:
    response = operator.post(ADD, {"version": version.pk, **days})

    backtest = Backtest.objects.get()
    assert response.headers["Location"].endswith(f"/{backtest.pk}/change/")
    assert (backtest.period_start, backtest.period_end) == (start, end)
    assert (backtest.version, backtest.requested_by) == (version, "ada")


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        ({"first_day": "2026-11-02"}, "Choose the first and the last day."),
        ({"first_day": "2026-11-02", "last_day": "9999-12-31"}, "Choose a day before"),
        (
            {"first_day": "2026-11-02", "last_day": "2026-11-01"},
            "It must not be before the first day.",
        ),
    ],
)
def test_days_that_are_none_are_refused(
    operator: Client, version: RateCardVersion, days: dict[str, str], problem: str
) -> None:
    form = {"version": version.pk, "period": "custom", **days}

    assert problem in operator.post(ADD, form).content.decode()
    assert not Backtest.objects.exists()


def test_the_workers_begin_once_it_is_stored(
    operator: Client,
    version: RateCardVersion,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    form = {
        "version": version.pk,
        "period": "custom",
        "first_day": "2026-11-01",
        "last_day": "2026-11-30",
    }

    with django_capture_on_commit_callbacks(execute=True):
        operator.post(ADD, form)

    assert Backtest.objects.get().status == "done"


def test_the_page_shows_what_changes(
    operator: Client, version: RateCardVersion
) -> None:
    page = page_of(backtest_on(version), operator)

    assert "2 calls priced again. Nothing of the books has changed." in page
    # Charged 0.125568; then 0.006804, and 0.007332 from quarantine.
    assert "Before $0.13 what was charged" in page
    assert "Without a price -$0.12" in page
    assert (
        "draw Unknown model The card has no model &#x27;draw&#x27;. 1 1 $0.12" in page
    )
    assert "Example Labs cus_abc123 $0.13" in page


def test_the_page_follows_the_work(operator: Client, version: RateCardVersion) -> None:
    backtest, _ = planned(version)
    running = operator.get(f"/admin/billing/backtest/{backtest.pk}/change/")
    Backtest.objects.update(status="failed", error="It broke.", finished_at=NOW)
    failed = operator.get(f"/admin/billing/backtest/{backtest.pk}/change/")

    assert "every 2s" in running.content.decode()
    assert "0 of 2 calls, 0%." in text(running)
    assert "every 2s" not in failed.content.decode()
    assert "It broke." in failed.content.decode()


def test_more_lines_cost_no_more_queries(
    operator: Client,
    version: RateCardVersion,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    url = f"/admin/billing/backtest/{backtest_on(version).pk}/change/"
    # What Django reads once in a process, such as content types, is no line's cost.
    operator.get(url)

    with django_assert_num_queries(16):
        page = operator.get(url)

    assert page.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_deleted_draft_takes_its_backtests_with_it(version: RateCardVersion) -> None:
    operator = staff("ada", "view_ratecardversion", "delete_ratecardversion")
    backtest_on(version)
    planned(version)
    start_backtest(version=version, start=START, end=END, by="ada", at=NOW)
    url = f"/admin/billing/ratecardversion/{version.pk}/delete/"

    assert operator.post(url, {"post": "yes"}).status_code == 302
    assert not Backtest.objects.exists()
    assert not BacktestLine.objects.exists()
    assert not RateCardVersion.objects.filter(pk=version.pk).exists()


class TestPermissions:
    def test_to_see_it_versions_must_be_seen(self, version: RateCardVersion) -> None:
        backtest = backtest_on(version)
        viewer = staff("ada", "view_ratecardversion")

        assert "Other days" not in page_of(backtest, viewer)
        assert viewer.get(ADD).status_code == 403

    def test_nobody_else_sees_it(self, version: RateCardVersion) -> None:
        backtest = backtest_on(version)
        browser = staff("ada", "view_customer")

        url = f"/admin/billing/backtest/{backtest.pk}/change/"
        assert browser.get(url).status_code == 403

    def test_nobody_changes_or_deletes_it(
        self, operator: Client, version: RateCardVersion
    ) -> None:
        url = f"/admin/billing/backtest/{backtest_on(version).pk}"

        assert operator.post(f"{url}/change/", {}).status_code == 403
        assert operator.post(f"{url}/delete/", {"post": "yes"}).status_code == 403
