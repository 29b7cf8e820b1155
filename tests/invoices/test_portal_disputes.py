"""What a customer sees of disputes and refunds: invoice, credits, lists and causes."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from billing.models import User
from billing.models.customers import Role
from billing.services.customers import add_member
from billing.services.grants import give_credits
from invoices.models import DisputeStatus, Invoice
from ledger.models import Source
from tests import make
from tests.invoices.refunding import (
    bank_says,
    bought,
    customer,
    payment_of,
    refund,
    send,
    use,
)
from tests.make import NOW
from tests.pages import read

pytestmark = pytest.mark.django_db
NUMBER = "INV-2026-000001"
PAGE = f"/portal/invoices/{NUMBER}/"
NOTE = "/portal/credit-notes/CN-2026-000001/"
CELL = '<td class="number" data-label="{}">{}</td>'


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock when the purchase is made."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def invoice() -> Invoice:
    return bought(bonus="5", used="10")


@pytest.fixture
def browser(client: Client, invoice: Invoice) -> Client:
    """Return the browser of a person who acts for the customer."""
    client.force_login(make.member(invoice.customer))
    return client


class TestADispute:
    def test_has_a_row_of_its_own(self, browser: Client, invoice: Invoice) -> None:
        assert "Disputes" not in read(browser, PAGE)
        bank_says(invoice, DisputeStatus.OPEN)

        page = read(browser, PAGE)

        assert '<span class="tag tag-warn">Dispute open</span>' in page
        assert '<span class="tag tag-warn">Disputed</span>' in page
        assert "40.00 frozen" in page
        assert CELL.format("Owed since", "–") in page
        assert CELL.format("Money", "$50.00") in page

    def test_that_was_lost_says_what_is_owed(
        self, browser: Client, invoice: Invoice
    ) -> None:
        bank_says(invoice, DisputeStatus.LOST)

        page = read(browser, PAGE)

        assert '<span class="tag tag-bad">Dispute lost</span>' in page
        assert '<span class="tag tag-bad">Bank took $50.00 back</span>' in page
        assert "The bank took $50.00 of it back." in page
        assert "40.00 taken" in page
        assert CELL.format("Owed since", "10.00") in page

    def test_that_was_won_took_nothing(self, browser: Client, invoice: Invoice) -> None:
        bank_says(invoice, DisputeStatus.OPEN)
        bank_says(invoice, DisputeStatus.WON)

        page = read(browser, PAGE)

        assert '<span class="tag tag-good">Dispute won</span>' in page
        assert "The bank took" not in page
        assert 'data-label="Credits off the wallet"> 0.00 </td>' in page


class TestCredits:
    def test_says_how_many_are_frozen(self, browser: Client, invoice: Invoice) -> None:
        assert "frozen" not in read(browser, "/portal/credits/")
        bank_says(invoice, DisputeStatus.OPEN)

        page = read(browser, "/portal/credits/")

        assert "40.00 credits are frozen" in page
        assert f'href="{PAGE}">{NUMBER}</a> is contested at its bank' in page
        assert '<span class="tag tag-warn">Frozen</span>' in page

    @pytest.mark.parametrize("place", ["credits/", "credits/{}/"])
    def test_knows_what_was_taken_back_from_what_was_used(
        self, browser: Client, invoice: Invoice, place: str
    ) -> None:
        bank_says(invoice, DisputeStatus.LOST)
        [lot] = invoice.customer.wallet.lots.filter(price_paid__gt=0)

        page = read(browser, f"/portal/{place.format(lot.pk)}")

        assert '<span class="tag tag-bad">Taken back</span>' in page
        assert "Frozen" not in page

    def test_knows_what_was_refunded_from_what_was_used(
        self, browser: Client, invoice: Invoice
    ) -> None:
        refund(invoice, "20")
        use(invoice.customer, "20")
        assert "Refunded<" not in read(browser, "/portal/credits/")

        later = bought("30", by=invoice.customer)
        refund(later, key="key-2")

        page = read(browser, "/portal/credits/")
        assert page.count('<span class="tag tag-good">Refunded</span>') == 1
        assert page.count('<span class="tag tag-plain">Used up</span>') == 2


class TestCauses:
    def test_of_a_purchase_lead_to_its_invoice(self, browser: Client) -> None:
        page = read(browser, "/portal/credits/")

        link = f'<a class="line-link" href="{PAGE}">{NUMBER}</a>'
        assert f"Invoice {link}" in page
        assert f"Bonus of {link}" in page
        assert f"invoice:{NUMBER}" not in page

    def test_of_a_refund_lead_to_its_credit_note(
        self, browser: Client, invoice: Invoice
    ) -> None:
        made = refund(invoice, "20")
        link = f"/portal/refunds/{made.pk}/"

        assert f'href="{link}">Refund</a>' in read(browser, "/portal/credits/")
        assert browser.get(link)["Location"] == PAGE

        send(made)
        assert browser.get(link)["Location"] == NOTE

    def test_of_a_dispute_lead_to_its_invoice(
        self, browser: Client, invoice: Invoice
    ) -> None:
        dispute = bank_says(invoice, DisputeStatus.OPEN)
        link = f"/portal/disputes/{dispute.pk}/"

        assert f'href="{link}">Dispute</a>' in read(browser, "/portal/credits/")
        assert browser.get(link)["Location"] == PAGE

    def test_of_other_customers_lead_nowhere(
        self, client: Client, invoice: Invoice
    ) -> None:
        made = refund(invoice, "20")
        dispute = bank_says(invoice, DisputeStatus.OPEN)
        client.force_login(make.member(customer(name="cus_eve")))

        assert client.get(f"/portal/refunds/{made.pk}/").status_code == 404
        assert client.get(f"/portal/disputes/{dispute.pk}/").status_code == 404

    def test_of_a_grant_are_words(self, browser: Client, invoice: Invoice) -> None:
        give_credits(
            customer=invoice.customer,
            source=Source.PROMOTION,
            amount=Decimal(3),
            reason="sorry",
            reference="grant:0a1b2c",
            actor="grace",
            at=NOW,
        )

        page = read(browser, "/portal/credits/")

        assert page.count("Granted by support") == 2
        assert "0a1b2c" not in page


class TestLists:
    def test_of_invoices_say_what_went_back(
        self, browser: Client, invoice: Invoice
    ) -> None:
        send(refund(invoice, "20"))
        bank_says(invoice, DisputeStatus.OPEN)

        page = read(browser, "/portal/invoices/")

        assert '<span class="tag">$20.00 refunded</span>' in page
        assert '<span class="tag tag-warn">Disputed</span>' in page
        assert 'href="/portal/credit-notes/">Credit notes</a>' in page

    def test_of_credit_notes_have_each(self, browser: Client, invoice: Invoice) -> None:
        assert "No credit notes." in read(browser, "/portal/credit-notes/")
        send(refund(invoice, "20"))

        page = read(browser, "/portal/credit-notes/")

        assert f'href="{NOTE}">CN-2026-000001</a>' in page
        assert f'href="{PAGE}">{NUMBER}</a>' in page
        assert CELL.format("Total", "$20.00") in page

    def test_of_credit_notes_are_ones_own(
        self, client: Client, invoice: Invoice
    ) -> None:
        send(refund(invoice, "20"))
        client.force_login(make.member(customer(name="cus_eve")))

        assert "No credit notes." in read(client, "/portal/credit-notes/")


class TestTheSimulatedCheckout:
    LINK = "Open the simulated checkout to dispute it"

    def test_is_led_to_from_what_was_paid_there(
        self, browser: Client, invoice: Invoice
    ) -> None:
        page = read(browser, PAGE)

        reference = payment_of(invoice).reference
        address = f"/checkout/simulated/{reference}/?return_url={PAGE}"
        assert f'<a href="{address}">{self.LINK}</a>' in page

    def test_is_led_to_until_the_bank_has_decided(
        self, browser: Client, invoice: Invoice
    ) -> None:
        bank_says(invoice, DisputeStatus.OPEN)
        assert "simulated checkout to decide the dispute" in read(browser, PAGE)

        bank_says(invoice, DisputeStatus.WON)

        assert "simulated checkout" not in read(browser, PAGE)

    def test_is_not_with_another_provider(
        self, browser: Client, settings: Settings
    ) -> None:
        settings.PAYMENT_PROVIDER = "stripe"

        assert self.LINK not in read(browser, PAGE)

    def test_is_for_those_who_may_buy(self, browser: Client, invoice: Invoice) -> None:
        user = User.objects.get()
        add_member(customer=invoice.customer, user=user, role=Role.VIEWER)

        assert self.LINK not in read(browser, PAGE)
