"""How operators refund: a preview, a reason, and above a threshold a second person."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from invoices.models import CreditNote, DisputeStatus, Invoice, Refund
from invoices.services.purchases import buy_pack
from ledger.models import Entry
from tests import make
from tests.admin_pages import post, read, staff, url_of
from tests.invoices.refunding import bank_says, bought, customer, left, refund, use
from tests.invoices.state import final
from tests.make import NOW

pytestmark = pytest.mark.django_db
ASKED = {"amount": "20", "reason": "not needed", "key": "k"}
CONFIRMED = ASKED | {"_refund": ""}


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock when the purchase is made."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def invoice() -> Invoice:
    """Return a paid purchase of 50 credits and 5 as a bonus, 12 used in all."""
    return bought(bonus="5", used="7")


@pytest.fixture
def operator() -> Client:
    """Return the browser of somebody who may ask for refunds and approve them."""
    seen = ("view_invoice", "view_refund", "view_creditnote", "view_dispute")
    return staff("ada", *seen, "add_refund", "change_refund")


class TestPreview:
    def test_begins_with_everything(self, operator: Client, invoice: Invoice) -> None:
        page = read(operator, url_of(invoice, "refund"))

        assert "$43.00 would go back to Example Labs" in page
        assert 'name="amount" value="43"' in page
        assert "$50.00 for 50.00 credits" in page
        assert "7.00 credits" in page

    def test_lists_the_entries_the_bonus_first(self, operator: Client) -> None:
        page = read(operator, url_of(bought(bonus="5"), "refund"))

        bonus = page.index("-5.00 of Promotion invoice:INV-2026-000001:bonus")
        assert page.index("-50.00 of Purchase invoice:INV-2026-000001, to") > bonus
        assert "to the book “Promotion”" in page
        assert "to the book “Refunded”" in page

    def test_follows_the_amount(self, operator: Client, invoice: Invoice) -> None:
        page = read(operator, url_of(invoice, "refund"), amount="20")

        assert "$20.00 would go back" in page
        assert "-20.00 of Purchase" in page
        assert 'hx-select="#preview"' in page
        assert not Entry.objects.filter(kind="refund").exists()

    @pytest.mark.parametrize("amount", ["", "x", "NaN", "1E-100000000", "-20"])
    def test_waits_for_an_amount(
        self, operator: Client, invoice: Invoice, amount: str
    ) -> None:
        page = read(operator, url_of(invoice, "refund"), amount=amount)

        assert "$43.00 would go back" in page

    def test_keeps_the_summary_of_what_is_too_much(
        self, operator: Client, invoice: Invoice
    ) -> None:
        page = read(operator, url_of(invoice, "refund"), amount="43.01")

        assert "would go back" not in page
        assert "$43.00 for 43.00 credits" in page

    def test_says_that_it_needs_somebody_else(
        self, operator: Client, invoice: Invoice, settings: Settings
    ) -> None:
        settings.REFUND_APPROVAL_ABOVE = Decimal(20)
        path = url_of(invoice, "refund")

        assert "Somebody else than ada has to" in read(operator, path, amount="20.01")
        assert "Somebody else" not in read(operator, path, amount="20")


class TestConfirmation:
    def test_is_of_exactly_the_amount_and_moves_nothing_yet(
        self, operator: Client, invoice: Invoice
    ) -> None:
        page = post(operator, url_of(invoice, "refund"), **ASKED)

        assert "$20.00 would go back" in page
        assert "> Refund $20.00 </button>" in page
        assert '<input type="hidden" name="amount" value="20"' in page
        assert '<input type="hidden" name="key" value="k"' in page
        assert "Reason on the credit note: not needed" in page
        assert not Refund.objects.exists()

    def test_may_be_left_to_change_the_form(
        self, operator: Client, invoice: Invoice
    ) -> None:
        page = post(operator, url_of(invoice, "refund"), **ASKED, _change="")

        assert "Refund $20.00" not in page
        assert 'type="number" name="amount" value="20"' in page
        assert 'name="key" value="k"' in page

    def test_refuses_another_amount_on_the_same_form(
        self, operator: Client, invoice: Invoice
    ) -> None:
        post(operator, url_of(invoice, "refund"), **CONFIRMED)

        other = CONFIRMED | {"amount": "5"}
        page = post(operator, url_of(invoice, "refund"), **other)

        assert "of another amount. Begin again for more." in page
        assert Refund.objects.get().amount == 20

    def test_leads_back_to_the_invoice(
        self, operator: Client, invoice: Invoice
    ) -> None:
        page = read(operator, url_of(invoice, "refund"))

        crumb = rf'<a href="{url_of(invoice, "change")}"[^>]*> {invoice} </a >'
        assert re.search(crumb, page)


class TestRefund:
    def test_is_offered_for_what_was_bought_and_paid(
        self, operator: Client, invoice: Invoice
    ) -> None:
        unpaid = buy_pack(customer=invoice.customer, pack=make.pack(), at=NOW)

        assert url_of(invoice, "refund") in read(operator, url_of(invoice, "change"))
        assert url_of(unpaid, "refund") not in read(operator, url_of(unpaid, "change"))

    def test_says_why_there_is_none(self, operator: Client) -> None:
        buyer = customer(credits="50")
        use(buyer, "10")

        page = read(operator, url_of(final(buyer), "refund"))

        assert "is for usage: void the calls" in page
        assert "<form method" not in page.partition('id="preview"')[2]

    def test_takes_the_credits_and_is_sent(
        self,
        operator: Client,
        invoice: Invoice,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        with django_capture_on_commit_callbacks() as queued:
            page = post(
                operator,
                url_of(invoice, "refund"),
                **CONFIRMED,
            )

        made = Refund.objects.get()
        assert (made.requested_by, made.reason) == ("ada", "not needed")
        assert f"refund {made.pk} is on its way" in page
        assert len(queued) == 1
        assert left(invoice) == (23, 0, 23)

    def test_has_a_page_with_its_invoice_and_its_entries(
        self, operator: Client, invoice: Invoice
    ) -> None:
        made = refund(invoice, "20")

        page = read(operator, url_of(made, "change"))

        assert f'href="{url_of(invoice, "change")}">INV-2026-000001</a>' in page
        assert "refund -20 (refund:" in page
        assert ": Purchase invoice:INV-2026-000001" in page

    def test_pressed_twice_is_one(self, operator: Client, invoice: Invoice) -> None:
        for _ in range(2):
            page = post(operator, url_of(invoice, "refund"), **CONFIRMED)
            assert "is on its way" in page

        assert Refund.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"amount": "43.01"}, "43.01 USD is more than 43, which can go back."),
            ({"amount": "0"}, "0 USD cannot be paid"),
            ({"amount": "x"}, "Enter a number."),
            ({"reason": ""}, "This field is required."),
        ],
    )
    def test_says_what_is_wrong(
        self, operator: Client, invoice: Invoice, change: dict[str, str], problem: str
    ) -> None:
        for form in (ASKED, CONFIRMED):
            page = post(operator, url_of(invoice, "refund"), **(form | change))

            assert page.count(problem) == 1
            assert "$43.00 for 43.00 credits" in page
            assert "Preview </button>" in page
        assert not Refund.objects.exists()

    def test_has_no_form_during_a_dispute(
        self, operator: Client, invoice: Invoice
    ) -> None:
        bank_says(invoice, DisputeStatus.OPEN)

        for page in (
            read(operator, url_of(invoice, "refund")),
            post(operator, url_of(invoice, "refund"), **CONFIRMED),
        ):
            assert page.count("while the payment is disputed") == 1
            assert 'name="reason"' not in page
        assert not Refund.objects.exists()

    def test_has_no_form_once_all_was_used(self, operator: Client) -> None:
        page = read(operator, url_of(bought(used="50"), "refund"))

        assert "All of its credits were used." in page
        assert 'name="reason"' not in page

    def test_is_for_those_who_may(self, invoice: Invoice) -> None:
        clerk = staff("clerk", "view_invoice")
        path = url_of(invoice, "refund")

        assert clerk.get(path).status_code == 403
        assert clerk.post(path, {"amount": "1"}).status_code == 403
        assert path not in read(clerk, url_of(invoice, "change"))


def test_disputes_and_credit_notes_are_read_and_never_changed(
    operator: Client, invoice: Invoice
) -> None:
    dispute = bank_says(invoice, DisputeStatus.OPEN)

    assert "dp_1" in read(operator, "/admin/invoices/dispute/")
    page = f"/admin/invoices/dispute/{dispute.pk}/change/"
    assert operator.post(page, {"status": "won"}).status_code == 403
    assert not CreditNote.objects.exists()
