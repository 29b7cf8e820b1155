"""What a customer sees of refunds: on the invoice, and on the credit note."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import User
from billing.models.customers import Role
from billing.services.customers import add_member
from invoices.models import DisputeStatus, Invoice
from invoices.payments import Progress
from tests import make
from tests.invoices.refunding import (
    answer,
    bank_says,
    bought,
    customer,
    provider_says_refunded,
    refund,
    send,
)
from tests.make import NOW
from tests.pages import read

pytestmark = pytest.mark.django_db
NOTE = "/portal/credit-notes/CN-2026-000001/"


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock when the purchase is made."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def invoice() -> Invoice:
    return bought(bonus="5", used="7")


@pytest.fixture
def browser(client: Client, invoice: Invoice) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(invoice.customer))
    return client


def invoice_page(browser: Client) -> str:
    return read(browser, "/portal/invoices/INV-2026-000001/")


class TestInvoice:
    def test_has_no_refunds_at_first(self, browser: Client) -> None:
        assert "Refunds" not in invoice_page(browser)

    def test_shows_a_refund_with_its_credit_note(
        self, browser: Client, invoice: Invoice
    ) -> None:
        send(refund(invoice, "20"))

        page = invoice_page(browser)

        assert f'href="{NOTE}">CN-2026-000001</a>' in page
        assert '<span class="tag tag-good">Refunded</span>' in page
        assert '<td class="number" data-label="Credits taken">20.00</td>' in page
        assert '<td class="number" data-label="Money">$20.00</td>' in page

    def test_shows_one_on_its_way_and_one_that_failed(
        self, browser: Client, invoice: Invoice
    ) -> None:
        refund(invoice, "20")
        answer(refund(invoice, "5", key="key-2"), Progress.FAILED)

        page = invoice_page(browser)

        assert '<span class="tag tag-warn">On its way</span>' in page
        assert '<span class="tag tag-bad">Failed</span>' in page
        assert '<td class="number" data-label="Credits taken">0.00</td>' in page

    def test_shows_that_a_credit_note_was_canceled(
        self, browser: Client, invoice: Invoice
    ) -> None:
        answer(send(refund(invoice, "20")), Progress.FAILED)

        page = invoice_page(browser)

        canceling = '/portal/credit-notes/CN-2026-000002/">CN-2026-000002</a>'
        assert f'canceled by <a class="line-link" href="{canceling}' in page

    def test_hides_what_waits(
        self, browser: Client, invoice: Invoice, settings: Settings
    ) -> None:
        settings.REFUND_APPROVAL_ABOVE = Decimal(0)
        refund(invoice, "20")

        assert "Refunds" not in invoice_page(browser)

    def test_says_that_its_credits_are_frozen(
        self, browser: Client, invoice: Invoice
    ) -> None:
        bank_says(invoice, DisputeStatus.OPEN)

        assert "contested at its bank" in invoice_page(browser)

        bank_says(invoice, DisputeStatus.WON)
        assert "contested at its bank" not in invoice_page(browser)

    def test_costs_no_more_queries_with_more_refunds(
        self,
        browser: Client,
        invoice: Invoice,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for key in "abc":
            send(refund(invoice, "1", key=key))

        with django_assert_num_queries(9):
            page = invoice_page(browser)

        assert "CN-2026-000003" in page


class TestCreditNote:
    def test_says_what_went_back(self, browser: Client, invoice: Invoice) -> None:
        provider_says_refunded(invoice, "45")

        page = read(browser, NOTE)

        assert '<h1>Credit note <span class="whole">CN-2026-000001</span></h1>' in page
        assert '<dd class="figure">$45.00</dd>' in page
        assert '<dd class="figure">43.00</dd>' in page
        assert '<dd class="figure">2.00</dd>' in page
        assert "Refunded at the payment provider" in page

    def test_names_the_bonus(self, client: Client) -> None:
        invoice = bought(bonus="5")
        client.force_login(make.member(invoice.customer))
        send(refund(invoice, "20"))

        page = read(client, NOTE)

        assert '<dt>Bonus taken</dt> <dd class="figure">5.00</dd>' in page

    def test_says_that_it_is_canceled_and_by_what(self, client: Client) -> None:
        invoice = bought(bonus="5")
        client.force_login(make.member(invoice.customer))
        answer(send(refund(invoice, "20")), Progress.FAILED)

        canceled, canceling = read(client, NOTE), read(client, NOTE.replace("1/", "2/"))

        assert '<a href="/portal/credit-notes/CN-2026-000002/">' in canceled
        assert '<dt>Credits taken</dt> <dd class="figure">20.00</dd>' in canceled
        assert "Cancels CN-2026-000001: the refund failed" in canceling
        assert '<dt>Credits given back</dt> <dd class="figure">20.00</dd>' in canceling
        assert '<dt>Bonus given back</dt> <dd class="figure">5.00</dd>' in canceling
        assert '<a href="/portal/credit-notes/CN-2026-000001/">' in canceling

    def test_is_its_customers_alone(self, client: Client, invoice: Invoice) -> None:
        send(refund(invoice, "20"))
        other = User.objects.create_user(username="eve")
        add_member(customer=customer(name="cus_eve"), user=other, role=Role.OWNER)
        client.force_login(other)

        assert client.get(NOTE).status_code == 404
        assert client.get(NOTE.replace("1/", "2/")).status_code == 404
