"""An invoice's page in the admin: what was bought, and what of it went back."""

from decimal import Decimal

import pytest
from django.test import Client

from billing.models import Customer
from invoices.models import CreditNote, DisputeStatus, Invoice
from invoices.services.purchases import Order, place_order
from tests import make
from tests.admin_pages import read, staff, url_of
from tests.invoices.refunding import bank_says, bought, customer, refund, send, use
from tests.invoices.state import final
from tests.make import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    return staff("ada", "view_invoice", "view_creditnote", "view_payment")


@pytest.fixture
def invoice() -> Invoice:
    return bought(bonus="5")


def test_shows_the_credits_of_a_pack(operator: Client, invoice: Invoice) -> None:
    page = read(operator, url_of(invoice, "change"))

    assert "50.00, and 5.00 as a bonus" in page
    assert "Period start" not in page
    assert "as a bonus" not in read(operator, url_of(bought(by=_other()), "change"))


def _other() -> Customer:
    return customer(name="cus_other")


def test_shows_an_amount_of_ones_own(operator: Client) -> None:
    order = Order(amount=Decimal("12.34"))
    placed = place_order(customer=make.customer(), order=order, key="k", at=NOW)

    page = read(operator, url_of(placed.invoice, "change"))

    assert "12.34" in page.replace("$12.34", "")


def test_shows_what_was_refunded_with_its_credit_note(
    operator: Client, invoice: Invoice
) -> None:
    made = send(refund(invoice, "20"))
    refund(invoice, "10", key="key-2")

    page = read(operator, url_of(invoice, "change"))

    note = CreditNote.objects.get()
    assert "Amount refunded" in page
    assert f'href="{url_of(note, "change")}">{note}</a>' in page
    assert f'href="{url_of(made, "change")}">{made}</a>: $20.00, Succeeded' in page
    assert ": $10.00, Withdrawn" in page
    assert page.count("$20.00") == 3


def test_shows_its_disputes(operator: Client, invoice: Invoice) -> None:
    dispute = bank_says(invoice, DisputeStatus.OPEN)

    page = read(operator, url_of(invoice, "change"))

    link = f'href="{url_of(dispute, "change")}">dispute dp_1</a>'
    assert f"{link}: $50.00, Open" in page


def test_of_usage_has_a_period_and_no_pack(operator: Client) -> None:
    buyer = customer(credits="50")
    use(buyer, "10")

    page = read(operator, url_of(final(buyer), "change"))

    assert "Period start" in page
    assert "Order key" not in page
    assert "$10.00" in page
