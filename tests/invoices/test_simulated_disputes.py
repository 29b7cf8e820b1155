"""Disputes on the simulated provider's page, as far as the wallet."""

import pytest
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from invoices.models import Dispute, Invoice, ProviderEvent
from tests.invoices.refunding import (
    assert_books_agree,
    bought,
    left,
    payment_of,
    refund,
    send,
)

pytestmark = [
    pytest.mark.story,
    pytest.mark.usefixtures("worker"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _server(live_server: LiveServer, settings: Settings) -> None:
    settings.BASE_URL = live_server.url


@pytest.fixture
def invoice() -> Invoice:
    return bought(bonus="5", used="10")


def page_of(invoice: Invoice) -> str:
    return f"/checkout/simulated/{payment_of(invoice).reference}/"


def press(client: Client, invoice: Invoice, *choices: str) -> str:
    for choice in choices:
        client.post(page_of(invoice), {"choice": choice})
    return client.get(page_of(invoice)).content.decode()


def test_a_paid_payment_may_be_disputed(client: Client, invoice: Invoice) -> None:
    assert "Dispute this payment" in press(client, invoice)

    page = press(client, invoice, "dispute")

    assert "Bank decides for the payer" in page
    assert "Dispute this payment" not in page
    assert ProviderEvent.objects.get().kind == "dispute.opened"
    assert left(invoice) == (0, 0, 0)


@pytest.mark.parametrize(
    ("choice", "status", "expected"),
    [("win", "won", (40, 0, 40)), ("lose", "lost", (0, 0, -10))],
)
def test_the_bank_decides(
    client: Client, invoice: Invoice, choice: str, status: str, expected: object
) -> None:
    page = press(client, invoice, "dispute", choice)

    assert Dispute.objects.get().status == status
    favored = {"won": "seller", "lost": "payer"}[status]
    assert f"the bank has decided for the {favored}." in page
    assert left(invoice) == expected
    assert_books_agree()


def test_nothing_is_decided_before_it_is_disputed(
    client: Client, invoice: Invoice
) -> None:
    press(client, invoice, "win", "lose")

    assert not Dispute.objects.exists()


def test_a_refund_leaves_only_the_rest_to_dispute(
    client: Client, invoice: Invoice
) -> None:
    send(refund(invoice, "20"))

    press(client, invoice, "dispute", "lose")

    assert left(invoice) == (0, 0, -10)
    assert_books_agree()
