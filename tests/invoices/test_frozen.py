import pytest
from django.db import Error, IntegrityError, connection, transaction

from invoices.models import Invoice, InvoiceLine, Status
from invoices.services.purchases import buy_pack
from tests import make
from tests.invoices.state import draft, final, use_seed

FINAL = "is final"
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

    def test_never_becomes_a_draft_again(self) -> None:
        with pytest.raises(Error, match="Invalid transition"):
            Invoice.objects.update(status=Status.DRAFT)


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
    Invoice.objects.filter(pk=invoice.pk).update(status=Status.PAID)
