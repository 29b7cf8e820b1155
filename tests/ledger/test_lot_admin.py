"""A lot's page in the admin, with what became of its credits."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from ledger.models import Book, CreditLot, Entry, Kind
from tests import make
from tests.admin_pages import staff
from tests.ledger.history import post, recorded, sell
from tests.pages import words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock, and the database's, in the middle of November."""
    with time_machine.travel(make.NOW, tick=False), recorded(make.NOW):
        yield


@pytest.fixture
def operator() -> Client:
    return staff("ada", "view_creditlot", "view_entry")


def page_of(browser: Client, lot: CreditLot, query: str = "") -> str:
    response = browser.get(f"/admin/ledger/creditlot/{lot.pk}/change/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_sums_up_what_became_of_the_credits(operator: Client) -> None:
    wallet = make.wallet()
    make.spend(wallet, "5")
    lot = sell(wallet, "50", price="45")
    make.spend(wallet, "20")
    post(wallet, Kind.REFUND, Book.REFUNDED, "-10", lot=lot)

    text = words(page_of(operator, lot))

    day = "15 Nov 2026, 12:00"
    assert "Granted $50.00 Used" in text
    assert f"Used 1 call, {day} to {day} UTC -$20.00 Settled" in text
    assert "Settled overdraft -$5.00 Refunded -$10.00 Remaining $15.00" in text
    assert "Expired $" not in text
    assert "Recorded at Nov." in text


def test_lists_entries_with_what_was_left(operator: Client) -> None:
    lot = make.lot(make.wallet(), "10")
    make.spend(lot.wallet, "4")

    page = page_of(operator, lot)

    spent = Entry.objects.get(kind=Kind.USAGE)
    assert f'href="/admin/ledger/entry/{spent.pk}/change/"' in page
    assert f"{spent.cause} test -$4.00 $6.00 Grant cash" in words(page)


def test_goes_on_to_older_entries(operator: Client) -> None:
    lot = make.lot(make.wallet(), "100")
    for _ in range(50):
        make.spend(lot.wallet, "1")

    first, older = page_of(operator, lot), page_of(operator, lot, "?before=2")

    assert 'href="?before=2#story"' in first
    assert "First page" not in first
    assert f"{lot.reference} test $100.00 $100.00 First page" in words(older)


def test_knows_no_other_places(operator: Client) -> None:
    lot = make.lot(make.wallet(), "100")
    url = f"/admin/ledger/creditlot/{lot.pk}/change/"

    assert operator.get(f"{url}?before=x").status_code == 404


def test_shows_entries_only_to_those_who_may_see_them() -> None:
    lot = make.lot(make.wallet(), "10")

    page = page_of(staff("ada", "view_creditlot"), lot)

    assert lot.reference in page
    assert "What became of the credits" not in page


def test_sends_whoever_asks_for_no_lot_away(operator: Client) -> None:
    assert operator.get("/admin/ledger/creditlot/7/change/").status_code == 302
