"""A customer's reconciliation as an operator sees it."""

import pytest
from django.test import Client

from billing.models import Customer
from ledger.models import CreditLot
from tests import make
from tests.admin_pages import staff
from tests.invoices.state import use
from tests.invoices.test_reconciliation import buy, pay
from tests.pages import read, words
from tests.raw import execute, tampering

pytestmark = pytest.mark.django_db
RIGHTS = ("view_customer", "view_entry", "view_invoice")


@pytest.fixture
def customer() -> Customer:
    customer = make.customer()
    use(make.event("req_before"))
    pay(buy(customer, bonus="5"))
    use(make.event())
    return customer


def url_of(customer: Customer) -> str:
    return f"/admin/billing/customer/{customer.pk}/reconcile/"


def page_of(browser: Client, customer: Customer) -> str:
    return words(read(browser, url_of(customer)))


def test_shows_where_credits_went(customer: Customer) -> None:
    page = page_of(staff("ada", *RIGHTS), customer)

    assert "Agrees Invoices, lots, entries" in page
    assert "Expired Refunded or taken by a bank Comes to" in page
    assert (
        "Purchase invoice:INV-2026-000001"
        " $50.00 $0.00 -$0.014232 $0.00 $0.00 $49.985768 $49.985768" in page
    )
    assert "Without a lot $0.00 -$0.014232 $0.014232 $0.00 $0.00 $0.00" in page
    assert "All $55.00 -$0.028464 $0.00 $0.00 $0.00 $54.971536 $54.971536" in page
    assert "INV-2026-000001 Paid $50.00 $0.00 $0.00 $50.00 $5.00 $0.00" in page


def test_leaves_out_what_was_never_paid(customer: Customer) -> None:
    buy(customer)

    page = page_of(staff("ada", *RIGHTS), customer)

    assert "1 purchase that was never paid: left out." in page
    assert "INV-2026-000001 Paid" in page
    assert "INV-2026-000002" not in page


def test_shows_what_differs_though_it_was_never_paid(customer: Customer) -> None:
    buy(customer)
    with tampering("ledger_creditlot"):
        execute("UPDATE ledger_creditlot SET reference = replace(reference, '1', '2')")

    assert "INV-2026-000002 Open" in page_of(staff("ada", *RIGHTS), customer)


def test_leads_to_lots_and_invoices(customer: Customer) -> None:
    page = staff("ada", *RIGHTS).get(url_of(customer)).content.decode()

    lot = CreditLot.objects.earliest("pk")
    assert f'href="/admin/ledger/creditlot/{lot.pk}/change/"' in page
    assert f'href="/admin/billing/customer/{customer.pk}/change/"' in page


def test_names_what_differs(customer: Customer) -> None:
    with tampering("ledger_wallet"):
        execute("UPDATE ledger_wallet SET balance = 1")

    page = page_of(staff("ada", *RIGHTS), customer)

    assert "Differs balance: 54.971536 expected, 1 stored" in page


def test_has_no_purchases_without_invoices() -> None:
    customer = make.customer(credits="5")

    assert "Purchases" not in page_of(staff("ada", *RIGHTS), customer)


def test_is_found_on_the_customers_page(customer: Customer) -> None:
    page = staff("ada", *RIGHTS).get(f"/admin/billing/customer/{customer.pk}/change/")

    assert url_of(customer) in page.content.decode()


@pytest.mark.parametrize("missing", ["view_entry", "view_invoice"])
def test_needs_to_see_entries_and_invoices(customer: Customer, missing: str) -> None:
    browser = staff("ada", *(right for right in RIGHTS if right != missing))

    assert browser.get(url_of(customer)).status_code == 403


def test_knows_no_other_customers() -> None:
    page = staff("ada", *RIGHTS).get("/admin/billing/customer/7/reconcile/")

    assert page.status_code == 404
