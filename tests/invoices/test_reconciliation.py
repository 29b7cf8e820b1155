"""What a customer paid for, beside its lots, entries, refunds and disputes."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing.models import Customer
from invoices.models import (
    CreditNote,
    Dispute,
    DisputeStatus,
    Invoice,
    Refund,
    RefundStatus,
)
from invoices.queries.reconciliation import (
    CustomerReconciliation,
    PurchaseRow,
    reconcile_all,
    reconcile_customer,
)
from invoices.services.payments import mark_paid, start_payment
from invoices.services.purchases import Order, buy_pack, place_order
from ledger.models import Book, CreditLot, Kind, Source
from tests import make
from tests.invoices.state import use
from tests.ledger.history import post
from tests.raw import execute, tampering

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    return make.customer()


def pay(invoice: Invoice) -> Invoice:
    payment = start_payment(invoice=invoice, at=make.NOW)
    return mark_paid(
        invoice=invoice,
        reference=payment.reference,
        amount=invoice.amount_due,
        currency=invoice.currency,
        at=make.NOW,
    )


def buy(customer: Customer, *, bonus: str = "0") -> Invoice:
    pack = make.pack(price="50", bonus=bonus)
    return buy_pack(customer=customer, pack=pack, at=make.NOW)


def reconcile(customer: Customer) -> CustomerReconciliation:
    return reconcile_customer(external_id=customer.external_id)


def only_purchase(customer: Customer) -> PurchaseRow:
    [row] = reconcile(customer).purchases
    return row


def refund(invoice: Invoice, credits: str, *, bonus: str = "0") -> Refund:
    """Take credits of a purchase, and say so, as a refund that is under way does."""
    paid, *free = CreditLot.objects.filter(wallet=invoice.customer.wallet).order_by(
        "pk"
    )
    post(paid.wallet, Kind.REFUND, Book.REFUNDED, f"-{credits}", lot=paid)
    if free:
        post(paid.wallet, Kind.REFUND, Book.PROMOTION, f"-{bonus}", lot=free[0])
    return Refund.objects.create(
        payment=invoice.payments.get(),
        kind="unused",
        status=RefundStatus.WITHDRAWN,
        key="key",
        reference="refund_1",
        currency="USD",
        amount=Decimal(credits),
        credits=Decimal(credits),
        bonus_credits=Decimal(bonus),
        reason="unused",
        requested_by="ada",
        requested_at=make.NOW,
        approval_above=Decimal(100),
    )


class TestPurchases:
    def test_agree_with_their_lots(self, customer: Customer) -> None:
        invoice = pay(buy(customer, bonus="5"))
        use(make.event())

        found = reconcile(customer)
        [row] = found.purchases
        assert row.invoice == invoice
        assert row.paid
        assert row.bonus
        assert (row.paid.lot.granted, row.bonus.lot.granted) == make.row(50, 5)
        assert found.differences == []

    def test_may_be_of_an_amount_of_ones_own(self, customer: Customer) -> None:
        order = Order(amount=Decimal("12.34"))
        placed = place_order(customer=customer, order=order, key="k", at=make.NOW)
        pay(placed.invoice)

        row = only_purchase(customer)
        assert row.paid
        assert row.paid.lot.granted == Decimal("12.34")
        assert row.is_equal

    def test_grant_nothing_before_they_are_paid(self, customer: Customer) -> None:
        buy(customer)

        row = only_purchase(customer)
        assert (row.paid, row.bonus, row.is_equal) == (None, None, True)
        assert row.was_never_paid

    def test_agree_with_refunds_and_their_credit_notes(
        self, customer: Customer
    ) -> None:
        invoice = pay(buy(customer, bonus="5"))
        made = refund(invoice, "20", bonus="5")
        CreditNote.objects.create(
            invoice=invoice,
            refund=made,
            number="CN-2026-000001",
            currency="USD",
            total=Decimal(20),
            reason="unused",
            issued_at=make.NOW,
        )

        row = only_purchase(customer)
        assert row.credited == 20
        assert row.differences == []

    def test_agree_with_disputes_that_took_and_those_that_gave_back(
        self, customer: Customer
    ) -> None:
        payment = pay(buy(customer)).payments.get()
        lot = CreditLot.objects.get()
        post(lot.wallet, Kind.DISPUTE, Book.REFUNDED, "-50", lot=lot)
        dispute = Dispute.objects.create(
            payment=payment,
            reference="dp_1",
            currency="USD",
            amount=Decimal(50),
            credits=Decimal(50),
            opened_at=make.NOW,
        )
        frozen = only_purchase(customer).differences
        post(lot.wallet, Kind.REVERSAL, Book.REFUNDED, "50", lot=lot)
        dispute.status = DisputeStatus.WON
        dispute.save()

        assert (frozen, only_purchase(customer).differences) == ([], [])

    @pytest.mark.parametrize("bonus", ["0", "5"])
    def test_differ_from_lots_that_are_gone(
        self, customer: Customer, bonus: str
    ) -> None:
        pay(buy(customer, bonus=bonus))
        with tampering("ledger_creditlot"):
            execute("UPDATE ledger_creditlot SET reference = reference || 'x'")

        found = reconcile(customer).differences
        assert "INV-2026-000001, credits: 50 expected, 0 stored" in found
        assert ("INV-2026-000001, bonus: 5 expected, 0 stored" in found) == (
            bonus == "5"
        )
        assert "Purchase invoice:INV-2026-000001x: there is no such invoice" in found

    def test_differ_from_another_price(self, customer: Customer) -> None:
        pay(buy(customer))
        with tampering("ledger_creditlot"):
            execute("UPDATE ledger_creditlot SET price_paid = 49")

        assert reconcile(customer).differences == [
            "INV-2026-000001, price: 50 expected, 49 stored"
        ]

    def test_differ_from_refunds_that_took_nothing_and_credits_taken_without_one(
        self, customer: Customer
    ) -> None:
        invoice = pay(buy(customer, bonus="5"))
        made = refund(invoice, "20", bonus="5")
        made.status = RefundStatus.FAILED
        made.save()

        assert reconcile(customer).differences == [
            "INV-2026-000001, taken back: 0 expected, 20 stored",
            "INV-2026-000001, bonus taken: 0 expected, 5 stored",
        ]


class TestCommand:
    def run(self, *arguments: str) -> str:
        output = StringIO()
        call_command("reconcile", *arguments, stdout=output)
        return output.getvalue()

    def test_prints_what_became_of_each_lot(self, customer: Customer) -> None:
        pay(buy(customer, bonus="5"))
        use(make.event())

        lines = [" ".join(each.split()) for each in self.run("cus_abc123").split("\n")]
        assert lines[:-2] == [
            "lot granted used overdraft expired refunded left holds",
            "purchase invoice:INV-2026-000001 50 0 0 0 0 50 50",
            "promotion invoice:INV-2026-000001:bonus"
            " 5 -0.014232 0 0 0 4.985768 4.985768",
            "without a lot 0 0 0 0 0 0",
            "all 55 -0.014232 0 0 0 54.985768 54.985768",
            "",
            "invoice status paid credited disputed credits bonus",
            "INV-2026-000001 paid $50.00 $0.00 $0.00 50 5 ok",
            "",
        ]
        assert lines[-2] == "cus_abc123: everything agrees."

    def test_has_no_table_of_purchases_without_any(self, customer: Customer) -> None:
        assert "invoice" not in self.run(customer.external_id)

    def test_leaves_out_what_was_never_paid(self, customer: Customer) -> None:
        for _ in range(2):
            buy(customer)

        printed = self.run("cus_abc123")
        assert "2 purchases that were never paid: left out." in printed
        assert "INV-2026" not in printed

    def test_names_what_differs_and_fails(self, customer: Customer) -> None:
        make.lot(customer.wallet, "10", source=Source.TRIAL)
        with tampering("ledger_wallet"):
            execute("UPDATE ledger_wallet SET balance = 11")
        output = StringIO()

        with pytest.raises(CommandError, match="cus_abc123 differs"):
            call_command("reconcile", "cus_abc123", stdout=output)

        assert "balance: 10 expected, 11 stored" in output.getvalue()

    def test_prints_a_line_for_each_customer(self, customer: Customer) -> None:
        make.customer(external_id="cus_other", credits="5")

        assert self.run("--all").splitlines() == [
            f"ok      {customer.external_id}",
            "ok      cus_other",
            "Everything agrees.",
        ]

    @pytest.mark.usefixtures("customer")
    def test_goes_on_after_a_customer_that_differs(self) -> None:
        other = make.customer(external_id="cus_other", credits="5")
        with tampering("ledger_wallet"):
            execute("UPDATE ledger_wallet SET balance = 1 WHERE balance = 0")
        output = StringIO()

        with pytest.raises(CommandError, match="1 of the customers differ"):
            call_command("reconcile", "--all", stdout=output)

        lines = output.getvalue().splitlines()
        assert lines[0] == "differs cus_abc123"
        assert lines[1] == "        balance: 0 expected, 1 stored"
        assert lines[-1] == f"ok      {other.external_id}"

    def test_knows_no_other_customers(self) -> None:
        with pytest.raises(CommandError, match="no customer cus_none"):
            self.run("cus_none")


def test_all_are_reconciled_one_by_one(customer: Customer) -> None:
    pay(buy(customer))

    [found] = reconcile_all()
    assert found.customer == customer
    assert [row.invoice.customer for row in found.purchases] == [customer]
