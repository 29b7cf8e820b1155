"""Calls taken back, before their month is invoiced and after."""

from decimal import Decimal

import pytest

from billing.models import Customer
from billing.models.plans import AtZero, Mode, Plan
from invoices.models import Invoice, InvoiceLine, LineKind, Status
from invoices.queries import find_corrected_lines, get_call, list_calls, list_days
from invoices.services.invoicing import EmptyPeriodError, discard_empty_draft
from invoices.services.runs import invoice_customer
from tests import make
from tests.invoices.months import (
    DECEMBER,
    assert_books_agree,
    balance_of,
    customer_with,
    parts,
    pay,
    use_dollars,
)
from tests.invoices.state import MONTH_END, NOVEMBER, draft, final, use

pytestmark = pytest.mark.django_db
MODES = [
    pytest.param(Mode.PREPAID, AtZero.BLOCK, id="prepaid"),
    pytest.param(Mode.PREPAID, AtZero.OVERAGE, id="overage"),
    pytest.param(Mode.POSTPAID, AtZero.BLOCK, id="postpaid"),
    pytest.param(Mode.HYBRID, AtZero.BLOCK, id="hybrid"),
]


def output_line(invoice: Invoice) -> InvoiceLine:
    return invoice.lines.get(rate__dimension="output_tokens")


class TestBeforeTheInvoice:
    @pytest.mark.parametrize(("mode", "at_zero"), MODES)
    def test_a_voided_call_is_not_on_it(self, mode: Mode, at_zero: AtZero) -> None:
        customer = customer_with(mode, at_zero, credits="2")
        use_dollars(3)
        use_dollars(6, "req_2")
        make.void(customer, "req_2")

        invoice = final(customer)

        line = output_line(invoice)
        assert make.row(line.calls, line.exact_amount, invoice.total) == (1, 3, 3)
        assert invoice.credits_applied == 2
        assert_books_agree()

    def test_a_line_of_voided_calls_alone_is_left_out(self) -> None:
        customer = customer_with(fee="20", credits="50")
        use_dollars(3)
        make.void(customer)

        lines = final(customer).lines.all()

        assert [line.kind for line in lines] == [LineKind.FEE]
        assert_books_agree()

    def test_a_month_of_voided_calls_alone_has_none(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(3)
        make.void(customer)

        with pytest.raises(EmptyPeriodError):
            draft(customer)

    def test_a_draft_of_calls_voided_since_is_dropped(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(3)
        draft(customer)
        make.void(customer)

        assert invoice_customer(customer_id=customer.pk, at=MONTH_END) == []
        assert invoice_customer(customer_id=customer.pk, at=MONTH_END) == []

        assert not Invoice.objects.exists()
        customer.refresh_from_db()
        assert customer.closed_until == NOVEMBER.end

    def test_a_draft_with_calls_left_is_kept(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(3)
        drafted = draft(customer)

        discard_empty_draft(customer=customer, period=NOVEMBER)

        assert Invoice.objects.get() == drafted

    def test_an_amended_call_is_on_it_as_it_was(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(6)
        make.amend(customer, input_tokens=0, output_tokens=250_000)

        line = output_line(final(customer))

        assert make.row(line.calls, line.exact_amount) == (1, 3)
        assert_books_agree()


class TestAfterTheInvoice:
    def test_the_next_one_takes_it_back(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(6)
        final(customer)
        make.void(customer, at=MONTH_END)
        use_dollars(9, "req_2", days=20)

        invoice = final(customer, DECEMBER)

        lines = invoice.lines.filter(rate__dimension="output_tokens")
        usage, adjustment = lines.order_by("position")
        assert (usage.kind, adjustment.kind) == (LineKind.USAGE, LineKind.ADJUSTMENT)
        assert adjustment.description == (
            "Taken back of November 2026 · text-gen-v3 · output tokens"
            " · up to 8,192 tokens context (×1)"
        )
        assert make.row(adjustment.calls, adjustment.quantity) == (-1, -500_000)
        assert make.row(adjustment.amount, invoice.total) == (-6, 3)
        assert_books_agree()

    def test_the_first_stays_as_it_was(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(6)
        invoice = final(customer)
        before = list(invoice.lines.order_by("pk").values())

        make.void(customer, at=MONTH_END)

        assert list(invoice.lines.order_by("pk").values()) == before
        assert_books_agree()

    def test_both_calls_of_an_amendment_are_on_the_next(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(6)
        final(customer)
        make.amend(customer, at=MONTH_END, input_tokens=0, output_tokens=250_000)

        invoice = final(customer, DECEMBER)

        assert parts(invoice) == (-3, -3, 0, 0)
        assert balance_of(customer).available == 47
        assert_books_agree()

    def test_a_month_with_nothing_else_has_an_invoice_below_zero(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(6)
        final(customer)
        make.void(customer, at=MONTH_END)

        invoice = final(customer, DECEMBER)

        assert parts(invoice) == (-6, -6, 0, 0)
        assert invoice.status == Status.PAID
        [applied] = invoice.applied_credits.all()
        assert applied.amount == -6
        assert_books_agree()

    def test_the_fee_is_due_all_the_same(self) -> None:
        customer = customer_with(fee="20", credits="50")
        use_dollars(6)
        pay(final(customer))
        make.void(customer, at=MONTH_END)

        invoice = final(customer, DECEMBER)

        assert parts(invoice) == (14, -6, 0, 20)
        assert invoice.status == Status.OPEN
        assert_books_agree()

    def test_lots_that_got_back_what_they_paid_are_not_listed(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(6)
        final(customer)
        make.void(customer, at=MONTH_END)
        use_dollars(6, "req_2", days=20)

        invoice = final(customer, DECEMBER)

        assert not invoice.applied_credits.exists()
        assert parts(invoice) == (0, 0, 0, 0)
        assert_books_agree()


class TestDrillDown:
    def adjusted(self) -> tuple[Customer, InvoiceLine, InvoiceLine]:
        customer = customer_with(credits="50")
        use_dollars(6)
        use_dollars(3, "req_2")
        november = final(customer)
        make.void(customer, at=MONTH_END)
        december = final(customer, DECEMBER)
        return customer, output_line(november), output_line(december)

    def test_leads_from_the_adjustment_to_the_line_it_corrects(self) -> None:
        _, before, adjustment = self.adjusted()

        assert find_corrected_lines([before, adjustment]) == {adjustment.pk: before}

    def test_has_the_days_and_calls_of_the_adjustment(self) -> None:
        _, _, adjustment = self.adjusted()

        [day] = list_days(line=adjustment)
        [call] = list_calls(line=adjustment, day=day.day).calls

        assert make.row(day.day, day.calls, day.amount) == (make.NOW.date(), -1, -6)
        assert make.row(call.key, call.charge.amount) == ("req_1", -6)
        assert call.explanation.startswith("Taken back: 500,000 output")

    def test_leads_from_the_call_to_both_lines(self) -> None:
        customer, before, adjustment = self.adjusted()

        call = get_call(customer=customer, key="req_1")

        assert call.taken_back
        assert before in call.lines
        assert adjustment in [each.line for each in call.taken_back.charges]

    def test_finds_nothing_where_nothing_is_corrected(self) -> None:
        _, before, _ = self.adjusted()

        assert find_corrected_lines([before]) == {}

    def test_of_a_waived_call_has_nothing_to_lead_to(self) -> None:
        customer = customer_with(credits="50")
        Plan.objects.update(waives_failed_calls=True)
        use(make.event(output_tokens=0, status=500))
        make.void(customer)

        call = get_call(customer=customer, key="req_1")

        assert call.taken_back
        assert call.taken_back.charges == call.charges == []
        assert call.lines == []

    def test_leads_between_a_call_and_what_stands_instead(self) -> None:
        customer = customer_with(credits="50")
        use_dollars(6)
        make.amend(customer, output_tokens=83)

        first = get_call(customer=customer, key="req_1")
        second = get_call(customer=customer, key="req_1b")

        assert first.taken_back
        assert (first.taken_back.replacement, first.amends) == ("req_1b", None)
        assert (second.taken_back, second.amends) == (None, "req_1")
        assert make.row(first.taken_back.amount) == (-6,)


class TestListCalls:
    def test_never_splits_or_skips_a_call_with_several_charges(self) -> None:
        customer = customer_with(credits="50")
        # Cached tokens are priced as plain ones here, on the same line.
        use(*(make.event(f"req_{n}", cached_input_tokens=n) for n in range(1, 6)))
        make.void(customer, "req_2")
        line = final(customer).lines.get(rate__dimension="input_tokens")

        pages: list[list[str]] = []
        after: int | None = None
        while not pages or after:
            page = list_calls(line=line, day=make.NOW.date(), after=after, limit=2)
            pages.append([call.key for call in page.calls])
            after = page.next_after

        assert pages == [
            ["req_1"] * 2 + ["req_2"] * 4,
            ["req_3"] * 2 + ["req_4"] * 2,
            ["req_5"] * 2,
        ]

    def test_adds_up_with_what_was_taken_back(self) -> None:
        customer = customer_with(credits="50")
        use(make.event("req_1"), make.event("req_2"))
        make.void(customer)
        line = final(customer).lines.get(rate__dimension="input_tokens")

        page = list_calls(line=line, day=make.NOW.date())

        amounts = [call.charge.amount for call in page.calls]
        assert sum(amounts, Decimal(0)) == page.day.amount == Decimal("0.001236")
        assert page.day.calls == 1
