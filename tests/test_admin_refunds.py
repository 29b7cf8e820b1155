"""How operators refund: a preview, a reason, and above a threshold a second person."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from billing.models import User
from invoices.models import CreditNote, DisputeStatus, Invoice, Refund
from invoices.services.purchases import buy_pack
from ledger.models import Entry
from tests import make
from tests.invoices.refunding import bank_says, bought, customer, left, refund, use
from tests.invoices.state import final
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


def staff(name: str, *permissions: str) -> Client:
    """Return the browser of somebody who may do this and no more."""
    user = User.objects.create_user(username=name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def operator() -> Client:
    """Return the browser of somebody who may ask for refunds and approve them."""
    seen = ("view_invoice", "view_refund", "view_creditnote", "view_dispute")
    return staff("ada", *seen, "add_refund", "change_refund")


def url_of(row: Invoice | Refund, page: str) -> str:
    return f"/admin/invoices/{row._meta.model_name}/{row.pk}/{page}/"


def read(browser: Client, path: str, **data: str) -> str:
    response = browser.get(path, data, follow=True)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def post(browser: Client, path: str, **data: str) -> str:
    response = browser.post(path, data, follow=True)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


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

    def test_says_what_is_too_much(self, operator: Client, invoice: Invoice) -> None:
        page = read(operator, url_of(invoice, "refund"), amount="43.01")

        assert "43.01 USD is more than 43, which is unused." in page

    def test_says_that_it_needs_somebody_else(
        self, operator: Client, invoice: Invoice, settings: Settings
    ) -> None:
        settings.REFUND_APPROVAL_ABOVE = Decimal(20)
        path = url_of(invoice, "refund")

        assert "Somebody else has to approve" in read(operator, path, amount="20.01")
        assert "Somebody else" not in read(operator, path, amount="20")


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
                amount="20",
                reason="not needed",
                key="k",
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
        form = {"amount": "20", "reason": "not needed", "key": "k"}

        for _ in range(2):
            post(operator, url_of(invoice, "refund"), **form)

        assert Refund.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"amount": "43.01"}, "is more than 43"),
            ({"amount": "0"}, "0 USD cannot be paid"),
            ({"amount": "x"}, "Enter a number."),
            ({"reason": ""}, "This field is required."),
        ],
    )
    def test_says_what_is_wrong(
        self, operator: Client, invoice: Invoice, change: dict[str, str], problem: str
    ) -> None:
        form = {"amount": "20", "reason": "not needed", "key": "k"} | change

        assert problem in post(operator, url_of(invoice, "refund"), **form)
        assert not Refund.objects.exists()

    def test_refuses_a_dispute_meanwhile(
        self, operator: Client, invoice: Invoice
    ) -> None:
        bank_says(invoice, DisputeStatus.OPEN)

        page = read(operator, url_of(invoice, "refund"))

        assert "while the payment is disputed" in page

    def test_is_for_those_who_may(self, invoice: Invoice) -> None:
        clerk = staff("clerk", "view_invoice")
        path = url_of(invoice, "refund")

        assert clerk.get(path).status_code == 403
        assert clerk.post(path, {"amount": "1"}).status_code == 403
        assert path not in read(clerk, url_of(invoice, "change"))


class TestDecision:
    @pytest.fixture
    def waiting(self, invoice: Invoice, settings: Settings) -> Refund:
        """Return a refund that eve asked for, and that waits."""
        settings.REFUND_APPROVAL_ABOVE = Decimal(20)
        return refund(invoice, "30", by="eve")

    def test_waits_when_it_is_large(
        self, operator: Client, invoice: Invoice, waiting: Refund
    ) -> None:
        form = {"amount": "40", "reason": "not needed", "key": "k"}

        page = post(operator, url_of(invoice, "refund"), **form)

        assert "waits for somebody else to approve it" in page
        assert f"Refund {waiting.pk}</a>: $30.00, waits for approval" in read(
            operator, url_of(invoice, "refund")
        )
        assert left(invoice) == (43, 0, 43)

    def test_shows_what_it_would_take_now(
        self, operator: Client, waiting: Refund
    ) -> None:
        page = read(operator, url_of(waiting, "approve"))

        assert "eve asked on" in page
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

        assert "waits for approval" in page
        assert str(waiting.payment.invoice) in page


def test_disputes_and_credit_notes_are_read_and_never_changed(
    operator: Client, invoice: Invoice
) -> None:
    dispute = bank_says(invoice, DisputeStatus.OPEN)

    assert "dp_1" in read(operator, "/admin/invoices/dispute/")
    page = f"/admin/invoices/dispute/{dispute.pk}/change/"
    assert operator.post(page, {"status": "won"}).status_code == 403
    assert not CreditNote.objects.exists()
