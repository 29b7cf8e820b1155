"""The books as an operator reads and downloads them."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from ledger.models import Book, Kind, Source, Wallet
from ledger.services import open_wallet
from tests import make
from tests.admin_pages import staff
from tests.ledger.history import post, recorded, sell
from tests.pages import read, words

pytestmark = pytest.mark.django_db
BOOKS = "/admin/ledger/entry/books/"
LONG_AGO = datetime(2025, 11, 30, 23, 59, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock, and the database's, in the middle of November."""
    with time_machine.travel(make.NOW, tick=False), recorded(make.NOW):
        yield


@pytest.fixture
def operator() -> Client:
    return staff("ada", "view_entry")


@pytest.fixture
def wallet() -> Wallet:
    return make.wallet()


def page_of(browser: Client, query: str = "") -> str:
    return words(read(browser, f"{BOOKS}{query}"))


def rows_of(browser: Client, query: str = "?csv") -> list[dict[str, str]]:
    response = browser.get(f"{BOOKS}{query}")
    assert response["Content-Disposition"] == 'attachment; filename="books.csv"'
    lines = b"".join(response).decode().splitlines()
    return list(csv.DictReader(lines))


class TestPage:
    def test_rolls_each_table_forward(self, operator: Client, wallet: Wallet) -> None:
        lot = sell(wallet, "50", price="45")
        make.spend(wallet, "10")
        post(wallet, Kind.REFUND, Book.REFUNDED, "-20", lot=lot)

        page = page_of(operator)

        assert "From purchased credits As overdraft Recognized Forgiven" in page
        assert "November 2026 so far $9.00 – $9.00 –" in page
        assert (
            "Opening Sold Recognized Breakage Refunded Settled overdraft Closing"
            in page
        )
        assert "November 2026 so far $0.00 $45.00 -$9.00 – -$18.00 – $18.00" in page

    def test_shows_promotion_and_receivable(
        self, operator: Client, wallet: Wallet
    ) -> None:
        make.spend(wallet, "12")
        make.lot(wallet, "2", source=Source.PROMOTION)

        page = page_of(operator)

        assert "November 2026 so far – $12.00 $12.00 $2.00" in page
        assert "November 2026 so far $0.00 $2.00 – – – -$2.00 $0.00" in page
        assert "November 2026 so far $0.00 $12.00 – -$2.00 – $10.00" in page

    def test_has_tables_for_each_currency(
        self, operator: Client, wallet: Wallet
    ) -> None:
        make.lot(wallet, "1")
        make.lot(open_wallet(currency="EUR"), "7")

        page = page_of(operator)

        assert "Deferred revenue in USD" in page
        assert "€0.00 €7.00 – – – – €7.00" in page

    def test_shows_every_digit_to_a_pointer(
        self, operator: Client, wallet: Wallet
    ) -> None:
        make.lot(wallet, "1.000000000000000001")

        page = operator.get(BOOKS).content.decode()

        assert 'title="$1.000000000000000001"' in page

    def test_begins_eleven_months_before(
        self, operator: Client, wallet: Wallet
    ) -> None:
        with recorded(LONG_AGO):
            make.lot(wallet, "1")
        make.lot(wallet, "2")

        assert "November 2025" not in page_of(operator)
        assert "November 2025" in page_of(operator, "?all")

    def test_says_what_opening_and_closing_are(
        self, operator: Client, wallet: Wallet
    ) -> None:
        make.lot(wallet, "1")

        page = page_of(operator)

        assert "Opening is what there was when the month began" in page
        assert "Closing is what there is at its end, or now" in page

    def test_says_that_there_is_nothing(self, operator: Client) -> None:
        assert "Nothing has been recorded in these months." in page_of(operator)


class TestFile:
    def test_holds_every_digit(self, operator: Client, wallet: Wallet) -> None:
        sell(wallet, "3", price="10")
        make.spend(wallet, "1")

        [row] = rows_of(operator)

        assert (row["month"], row["currency"]) == ("2026-11", "USD")
        assert row["recognized"] == row["from_purchased_credits"] == "3." + 36 * "3"
        assert row["deferred_revenue_sold"] == "10"
        assert row["deferred_revenue_recognized"] == "-3." + 36 * "3"
        assert row["deferred_revenue_closing"] == "6." + 35 * "6" + "7"

    def test_has_the_words_of_the_page(self, operator: Client, wallet: Wallet) -> None:
        make.spend(wallet, "12")
        make.lot(wallet, "2", source=Source.PROMOTION)

        [row] = rows_of(operator)

        page = page_of(operator).lower()
        known = {"month", "is_complete", "currency"}
        for column in row.keys() - known:
            *table, words = re.split(
                "^(deferred_revenue|promotional_credits|receivable)_", column
            )
            assert all(each.replace("_", " ") in page for each in (*table, words))
        assert (row["as_overdraft"], row["forgiven"]) == ("12", "2")
        assert row["receivable_settled_by_credits"] == "-2"
        assert row["promotional_credits_settled_overdraft"] == "-2"

    def test_marks_the_month_that_is_not_over(
        self, operator: Client, wallet: Wallet
    ) -> None:
        with recorded(make.NOW - timedelta(days=31)):
            make.lot(wallet, "1")

        make.lot(wallet, "2")

        marks = {row["month"]: row["is_complete"] for row in rows_of(operator)}

        assert marks == {"2026-10": "true", "2026-11": "false"}

    def test_holds_the_months_of_the_page(
        self, operator: Client, wallet: Wallet
    ) -> None:
        with recorded(LONG_AGO):
            make.lot(wallet, "1")
        make.lot(wallet, "2")

        assert len(rows_of(operator)) == 1
        assert len(rows_of(operator, "?all&csv")) == 13

    def test_is_streamed(self, operator: Client) -> None:
        assert operator.get(f"{BOOKS}?csv").streaming


class TestWhoMayReadThem:
    def test_needs_the_permission(self) -> None:
        browser = staff("ada", "view_wallet")

        assert browser.get(BOOKS).status_code == 403
        assert BOOKS not in browser.get("/admin/").content.decode()

    def test_finds_them_in_the_menu(self, operator: Client) -> None:
        assert f'href="{BOOKS}"' in operator.get("/admin/").content.decode()

    def test_still_finds_every_model_it_may_see(self, operator: Client) -> None:
        menu = operator.get("/admin/").content.decode().partition('id="main"')[0]

        assert 'href="/admin/ledger/entry/"' in menu
        assert 'href="/admin/ledger/wallet/"' not in menu
