"""What `verify` finds of refunds, credit notes and disputes that were tampered with."""

from typing import Any

import pytest

from invoices.models import (
    CreditNote,
    DisputeStatus,
    Invoice,
    NumberSeries,
    Refund,
)
from invoices.payments import Progress
from invoices.return_checks import verify_returns
from invoices.verification import verify_invoices
from tests.invoices.refunding import (
    answer,
    assert_books_agree,
    bank_says,
    bought,
    provider_says_refunded,
    refund,
    send,
)
from tests.raw import execute, tampering

pytestmark = pytest.mark.django_db
ENTRIES = "refund = its entries; failed, they are reversed"
DISPUTED = "dispute = its entries; won, they are reversed"
RUNS = "what was taken for money that went back = its run"
REASONS = "every entry for money that went back has its reason"
NOTES = "refund that succeeded = its credit notes"
CREDITED = "credit notes are within their invoice"
RETURNED = "refunds are within their payment"
WORTH = "refund = the credits that its money stands for"
APPROVED = "large refunds were approved by another"


@pytest.fixture
def invoice() -> Invoice:
    """Return a purchase with a refund in each state, and a dispute."""
    invoice = bought(bonus="5", used="7")
    send(refund(invoice, "20"))
    answer(refund(invoice, "5", key="failed"), Progress.FAILED)
    refund(invoice, "1", key="on its way")
    provider_says_refunded(invoice, "30")
    bank_says(invoice, DisputeStatus.OPEN)
    assert_books_agree()
    return invoice


def found() -> set[str]:
    return {each.check for each in verify_returns() if each.differences}


def alter(table: str, change: str) -> set[str]:
    """Change every row of a table as a DBA could; returns the checks that differ."""
    with tampering(table):
        execute(" ".join(("UPDATE", table, "SET", change)))
    return found()


@pytest.mark.usefixtures("invoice")
class TestFinds:
    def test_nothing_at_first(self) -> None:
        findings = list(verify_returns())

        assert [each.differences for each in findings] == [[]] * 10
        assert [each.compared for each in findings] == [4, 1, 5, 5, 4, 1, 1, 3, 3, 0]

    def test_a_refund_that_says_it_took_more(self) -> None:
        assert alter("invoices_refund", "credits = credits + 1") == {
            ENTRIES,
            RUNS,
            WORTH,
        }

    def test_a_refund_that_says_it_voided_more(self) -> None:
        change = "bonus_credits = bonus_credits + 1"

        assert alter("invoices_refund", change) == {ENTRIES, RUNS}

    @pytest.mark.parametrize("amount", ["amount + 0.01", "amount - 0.01"])
    def test_a_refund_of_another_amount(self, amount: str) -> None:
        assert WORTH in alter("invoices_refund", f"amount = {amount}")

    @pytest.mark.parametrize("approver", ["''", "requested_by"])
    def test_a_large_refund_that_nobody_else_approved(self, approver: str) -> None:
        name = "invoices_refund_large_ones_approved_by_another"
        with tampering("invoices_refund"):
            execute(f"ALTER TABLE invoices_refund DROP CONSTRAINT {name}")
        change = f"approval_above = 5, approved_by = {approver}"

        assert alter("invoices_refund", change) == {APPROVED}

    def test_a_failed_refund_that_kept_its_credits(self) -> None:
        change = "status = CASE status WHEN 'withdrawn' THEN 'failed' ELSE status END"

        assert alter("invoices_refund", change) == {ENTRIES}

    def test_a_refund_that_names_other_entries(self) -> None:
        assert alter("invoices_refund", "first_entry = last_entry + 1") == {RUNS}

    def test_a_dispute_that_says_it_froze_more(self) -> None:
        change = "credits = credits + 1"

        assert alter("invoices_dispute", change) == {DISPUTED, RUNS}

    def test_a_won_dispute_that_kept_its_credits(self) -> None:
        assert alter("invoices_dispute", "status = 'won'") == {DISPUTED}

    def test_entries_of_no_refund(self) -> None:
        with tampering("ledger_entry"):
            execute("UPDATE ledger_entry SET cause = 'x' WHERE kind = 'refund'")

        assert REASONS in found()

    def test_entries_from_lots_of_another_purchase(self) -> None:
        with tampering("ledger_creditlot"):
            execute("UPDATE ledger_creditlot SET reference = 'other:' || reference")

        assert found() == {REASONS}

    def test_a_credit_note_that_is_missing(self) -> None:
        with tampering("invoices_creditnote"):
            CreditNote.objects.filter(number="CN-2026-000001")._raw_delete("default")

        assert found() == {NOTES}
        assert "numbers have no gap" in _gaps()

    def test_a_credit_note_of_a_refund_that_failed(self) -> None:
        made = Refund.objects.get(key="key-1")
        assert answer(made, Progress.FAILED).status == "failed"
        assert found() == set()
        with tampering("invoices_creditnote"):
            CreditNote.objects.filter(cancels__refund=made)._raw_delete("default")

        assert found() == {NOTES}

    def test_a_credit_note_of_another_amount(self) -> None:
        assert alter("invoices_creditnote", "total = total + 1") == {NOTES}

    def test_more_credited_than_was_invoiced(self) -> None:
        assert alter("invoices_creditnote", "total = total + 40") == {NOTES, CREDITED}

    def test_more_refunded_than_was_paid(self) -> None:
        assert alter("invoices_refund", "amount = amount + 40") == {
            NOTES,
            RETURNED,
            WORTH,
        }

    def test_a_number_that_was_never_given(self) -> None:
        NumberSeries.objects.filter(series="CN").update(last=9)

        assert "numbers have no gap" in _gaps()


def _gaps() -> str:
    rows: list[Any] = [each for each in verify_invoices() if each.differences]
    return "; ".join(each.check for each in rows)
