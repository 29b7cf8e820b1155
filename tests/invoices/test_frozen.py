from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.expressions import RawSQL

from invoices.models import AppliedCredit, Invoice, InvoiceLine, Status
from invoices.services.invoicing import finalize_invoice
from invoices.services.payments import mark_paid, start_payment
from invoices.services.purchases import buy_pack
from tests import make
from tests.invoices.state import MONTH_END, draft, final, use, use_seed

FINAL = "is final"
NAN = RawSQL("'NaN'::numeric", ())
FROZEN = "lines of a final invoice are frozen"


def refuse(sql: str) -> str:
    with (
        pytest.raises(IntegrityError) as refusal,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
    return str(refusal.value)


@pytest.mark.django_db
class TestAFinalInvoice:
    @pytest.fixture(autouse=True)
    def _final(self) -> None:
        customer = make.customer(credits="50")
        use_seed()
        final(customer)

    def test_refuses_an_update(self) -> None:
        assert FINAL in refuse("UPDATE invoices_invoice SET total = 0, amount_due = 0")

    def test_refuses_a_deletion(self) -> None:
        assert FINAL in refuse("DELETE FROM invoices_invoice")

    def test_refuses_an_update_of_its_lines(self) -> None:
        assert FROZEN in refuse("UPDATE invoices_invoiceline SET amount = 0")

    def test_refuses_the_deletion_of_its_lines(self) -> None:
        assert FROZEN in refuse("DELETE FROM invoices_invoiceline")

    def test_refuses_another_line(self) -> None:
        line = InvoiceLine(invoice=Invoice.objects.get(), position=9, kind="fee")
        line.exact_amount = line.amount = line.invoice.total

        with pytest.raises(IntegrityError, match=FROZEN):
            line.save()

    def test_refuses_a_change_of_its_credits(self) -> None:
        assert FROZEN in refuse("UPDATE invoices_appliedcredit SET amount = 0")
        assert FROZEN in refuse("DELETE FROM invoices_appliedcredit")

    def test_refuses_a_line_of_a_draft(self) -> None:
        customer = make.customer(external_id="cus_other", credits="50")
        use(make.event(customer="cus_other"))
        draft(customer)
        target = Invoice.objects.exclude(status=Status.DRAFT).get()

        for rows in (InvoiceLine.objects, AppliedCredit.objects):
            with pytest.raises(IntegrityError, match=FROZEN), transaction.atomic():
                rows.exclude(invoice=target).update(invoice=target)

    @pytest.mark.parametrize(
        "change", [{"status": "void"}, {"paid_at": None}, {"amount_paid": 1}]
    )
    def test_changes_in_nothing_once_it_is_paid(self, change: dict[str, Any]) -> None:
        with pytest.raises(IntegrityError, match=FINAL):
            Invoice.objects.update(**change)


@pytest.mark.django_db
def test_a_period_has_one_invoice() -> None:
    customer = make.customer(credits="50")
    use_seed()
    invoice = draft(customer)
    invoice.pk = None

    with pytest.raises(IntegrityError, match="one_per_customer_and_period"):
        invoice.save(force_insert=True)


@pytest.mark.django_db
def test_an_open_invoice_may_be_paid_but_not_changed() -> None:
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)

    assert FINAL in refuse("UPDATE invoices_invoice SET currency = 'EUR'")
    Invoice.objects.filter(pk=invoice.pk).update(status=Status.PAID, amount_paid=50)


@pytest.mark.django_db
@pytest.mark.parametrize("amount", ["0", "49.99", "50.01"])
def test_an_invoice_is_paid_with_what_is_due(amount: str) -> None:
    buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)

    with pytest.raises(IntegrityError, match="paid_is_what_was_due"):
        Invoice.objects.update(status=Status.PAID, amount_paid=Decimal(amount))


@pytest.mark.django_db
def test_an_open_invoice_never_becomes_a_draft_again() -> None:
    buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)

    with pytest.raises(Error, match="Invalid transition"):
        Invoice.objects.update(status=Status.DRAFT)


@pytest.mark.django_db
def test_a_void_invoice_changes_in_nothing() -> None:
    buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)
    Invoice.objects.update(status=Status.VOID)

    assert FINAL in refuse("UPDATE invoices_invoice SET amount_paid = 50")


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["open", "paid", "void"])
def test_an_invoice_begins_as_a_draft(status: str) -> None:
    customer = make.customer(credits="50")
    use_seed()
    invoice = draft(customer)
    invoice.pk, invoice.number, invoice.status = None, "INV-2026-000009", status

    with pytest.raises(IntegrityError, match="begins as a draft"):
        invoice.save(force_insert=True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "parts",
    [
        {"carried_over": 1},
        {"carried_over": -1, "credits_applied": F("credits_applied") + 1},
        {"amount_due": -1, "credits_applied": F("total") + 1},
        {"carried_over": NAN, "amount_due": NAN},
        {"credits_applied": NAN, "amount_due": NAN},
    ],
)
def test_a_drafts_parts_make_its_total(parts: dict[str, Any]) -> None:
    customer = make.customer(credits="50")
    use_seed()
    draft(customer)

    with pytest.raises(IntegrityError, match="invoices_invoice_"):
        Invoice.objects.update(**parts)


@pytest.mark.django_db
class TestASucceededPayment:
    @pytest.fixture(autouse=True)
    def _succeeded(self) -> None:
        invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)
        payment = start_payment(invoice=invoice, at=make.NOW)
        mark_paid(
            invoice=invoice,
            reference=payment.reference,
            amount=payment.amount,
            currency="USD",
            at=make.NOW,
        )

    def test_refuses_an_update(self) -> None:
        assert "succeeded" in refuse("UPDATE invoices_payment SET status = 'failed'")
        assert "succeeded" in refuse("UPDATE invoices_payment SET amount = 1")

    def test_refuses_a_deletion(self) -> None:
        assert "succeeded" in refuse("DELETE FROM invoices_payment")


@pytest.mark.django_db
def test_an_invoice_has_one_pending_payment_at_a_provider() -> None:
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=make.NOW)
    payment = start_payment(invoice=invoice, at=make.NOW)
    payment.pk, payment.reference = None, "another"

    with pytest.raises(IntegrityError, match="one_pending_per_invoice"):
        payment.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_no_line_is_added_while_its_invoice_becomes_final() -> None:
    invoice = draft(make.customer(plan=make.plan(monthly_fee="20")))
    line = InvoiceLine(invoice=invoice, position=9)
    line.exact_amount = line.amount = invoice.total

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            finalize_invoice(invoice=invoice, at=MONTH_END)
            added = thread.submit(_save, line)
            with pytest.raises(TimeoutError):
                added.result(timeout=0.5)
        with pytest.raises(IntegrityError, match=FROZEN):
            added.result()


def _save(line: InvoiceLine) -> None:
    try:
        line.save()
    finally:
        connection.close()
