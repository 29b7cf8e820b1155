"""A second person's decision on a refund, and what its page says of it."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from invoices.models import Invoice, Refund
from tests.admin_pages import post, read, staff, url_of
from tests.invoices.refunding import bought, left, refund, send, use
from tests.make import NOW

pytestmark = pytest.mark.django_db


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
    return staff("ada", "view_invoice", "view_refund", "add_refund", "change_refund")


@pytest.fixture
def waiting(invoice: Invoice, settings: Settings) -> Refund:
    """Return a refund that eve asked for, and that waits."""
    settings.REFUND_APPROVAL_ABOVE = Decimal(10)
    return refund(invoice, "30", by="eve")


class TestDecision:
    def test_waits_when_it_is_large(
        self, operator: Client, invoice: Invoice, waiting: Refund
    ) -> None:
        form = {"amount": "13", "reason": "not needed", "key": "k", "_refund": ""}

        assert "$13.00 for 13.00 credits" in read(operator, url_of(invoice, "refund"))
        page = post(operator, url_of(invoice, "refund"), **form)

        assert "waits for somebody else than ada to approve it" in page
        page = read(operator, url_of(invoice, "refund"))
        assert f"Refund {waiting.pk}</a>: $30.00, waits for approval" in page
        assert "$43.00 waits for approval, and nothing else is left" in page
        assert left(invoice) == (43, 0, 43)

    def test_shows_what_it_would_take_now(
        self, operator: Client, waiting: Refund
    ) -> None:
        page = read(operator, url_of(waiting, "approve"))

        assert "eve asked on" in page
        assert "15 Nov 2026, 12:00</time> UTC" in page
        assert "$30.00 would go back" in page

    def test_approves(
        self,
        operator: Client,
        waiting: Refund,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        with django_capture_on_commit_callbacks() as queued:
            page = post(operator, url_of(waiting, "approve"))

        waiting.refresh_from_db()
        assert (waiting.status, waiting.approved_by) == ("withdrawn", "ada")
        assert len(queued) == 1
        assert url_of(waiting, "approve") not in page

    def test_refuses_who_asked(self, waiting: Refund) -> None:
        eve = staff("eve", "view_refund", "change_refund")

        page = post(eve, url_of(waiting, "approve"))

        assert "eve asked for this refund: somebody else has to approve it." in page
        waiting.refresh_from_db()
        assert waiting.status == "requested"

    def test_declines(self, operator: Client, waiting: Refund) -> None:
        assert "Nothing was moved" in read(operator, url_of(waiting, "decline"))

        page = post(operator, url_of(waiting, "decline"))

        assert f"refund {waiting.pk} is declined" in page
        assert "declined by ada" in page

    def test_is_never_made_by_looking(self, operator: Client, waiting: Refund) -> None:
        for page in ("approve", "decline"):
            read(operator, url_of(waiting, page))

        waiting.refresh_from_db()
        assert waiting.status == "requested"

    def test_is_for_those_who_may(self, waiting: Refund) -> None:
        clerk = staff("clerk", "view_refund", "add_refund")

        for page in ("approve", "decline"):
            assert clerk.post(url_of(waiting, page)).status_code == 403
            assert url_of(waiting, page) not in read(clerk, url_of(waiting, "change"))

    def test_is_listed_with_its_state(self, operator: Client, waiting: Refund) -> None:
        page = read(operator, "/admin/invoices/refund/", q="INV-2026-000001")

        assert "Waits for approval" in page
        assert url_of(waiting.payment.invoice, "change") in page
        assert url_of(waiting.payment.invoice.customer, "change") in page
        assert "$30.00" in page


class TestPage:
    def test_leads_to_invoice_and_customer_once_each(
        self, operator: Client, invoice: Invoice, waiting: Refund
    ) -> None:
        page = read(operator, url_of(waiting, "change"))

        for row in (invoice, invoice.customer):
            assert page.count(f'href="{url_of(row, "change")}"') == 1

    def test_says_who_may_approve_and_what_would_be_taken(
        self, operator: Client, waiting: Refund
    ) -> None:
        page = read(operator, url_of(waiting, "change"))

        assert "somebody else than eve" in page
        assert "May go back alone" in page
        assert "$10.00, without a second person" in page
        assert "30.00 of Purchase invoice:INV-2026-000001, once it is approved" in page

    def test_says_why_it_can_no_longer_be_approved(
        self, operator: Client, waiting: Refund
    ) -> None:
        use(waiting.payment.invoice.customer, "20")

        page = read(operator, url_of(waiting, "change"))

        assert "30 USD is more than 23, which can go back." in page

    def test_offers_who_asked_to_decline_alone(
        self, operator: Client, waiting: Refund
    ) -> None:
        eve = staff("eve", "view_refund", "change_refund")

        hers, his = (
            read(browser, url_of(waiting, "change")) for browser in (eve, operator)
        )

        assert url_of(waiting, "approve") not in hers
        assert url_of(waiting, "decline") in hers
        assert url_of(waiting, "approve") in his

    def test_shows_what_was_taken_and_when_it_was_sent(
        self, operator: Client, invoice: Invoice
    ) -> None:
        made = send(refund(invoice, "20"))

        page = read(operator, url_of(made, "change"))

        assert made.sent_at == NOW
        assert "refund -20 (refund:" in page
        assert "May be approved by" not in page
