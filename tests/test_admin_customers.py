"""A customer's page in the admin: what it has, and where the rest of it is."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine

from billing.models import Customer
from ledger.models import Source
from ledger.services import set_credit_limit
from tests import make
from tests.admin_pages import read, staff, url_of
from tests.billing.alerting import alert
from tests.invoices.refunding import bought, customer, refund
from tests.make import NOW

pytestmark = pytest.mark.django_db
SEEN = ("creditlot", "entry", "invoice", "refund", "balancealert")


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock when the purchase is made."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def buyer() -> Customer:
    """Return a customer of 50 purchased and 5 promotional credits, 20 refunded."""
    made = customer()
    refund(bought(by=made), "20")
    make.lot(made.wallet, "5", source=Source.PROMOTION)
    alert(made, "8")
    return made


def test_shows_the_balance(buyer: Customer) -> None:
    page = read(staff("ada", "view_customer"), url_of(buyer, "change"))

    shown = page.partition('aria-label="Balance"')[2]
    for name, amount in (
        ("Available", "$35.00"),
        ("Paid", "$30.00"),
        ("Promotional", "$5.00"),
        ("Overdraft", "$0.00"),
        ("Credit limit", "$0.00"),
        ("Spendable", "$35.00"),
    ):
        cell = shown.partition(f"<dt>{name}</dt>")[2].partition("</dd>")[0]
        assert cell.endswith(f">{amount}")


def test_shows_what_is_owed_and_the_limit() -> None:
    owing = make.customer()
    make.spend(owing.wallet, "4")
    set_credit_limit(wallet_id=owing.wallet_id, credit_limit=Decimal(10))

    page = read(staff("ada", "view_customer"), url_of(owing, "change"))

    assert "<dt>Overdraft</dt><dd>$4.00</dd>" in page
    assert "<dt>Credit limit</dt><dd>$10.00</dd>" in page


@pytest.mark.parametrize("model", SEEN)
def test_leads_to_what_was_made_for_it(buyer: Customer, model: str) -> None:
    ada = staff("ada", "view_customer", *(f"view_{each}" for each in SEEN))
    other = customer(name="cus_other")
    refund(bought(by=other), "20")
    alert(other, "8")

    page = read(ada, url_of(buyer, "change"))
    links = page.partition('aria-label="Of this customer"')[2].partition("</nav>")[0]
    [path] = [link for link in links.split('"') if f"/{model}/?" in link]

    listed = ada.get(path).context["cl"].result_list
    assert len(listed) == {"creditlot": 2, "entry": 3}.get(model, 1)
    assert other not in {getattr(row, "customer", None) for row in listed}


def test_leads_nowhere_that_one_may_not_look(buyer: Customer) -> None:
    page = read(staff("ada", "view_customer", "view_entry"), url_of(buyer, "change"))

    assert f"/admin/ledger/entry/?wallet={buyer.wallet_id}" in page
    assert "/admin/invoices/refund/?" not in page


def test_is_not_described_to_those_who_may_not_look(buyer: Customer) -> None:
    assert staff("ada").get(url_of(buyer, "change")).status_code == 403
