from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from billing.models import Charge, Customer
from billing.models.plans import Mode
from invoices.models import Invoice, InvoiceLine, NumberSeries, Status
from invoices.services.invoicing import EmptyPeriodError, finalize_invoice
from ledger.money import total
from tests import make
from tests.invoices.state import (
    MONTH_END,
    NOVEMBER,
    SEED_COST,
    at_once,
    draft,
    event_of,
    final,
    use,
    use_seed,
)


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    return list(invoice.lines.order_by("position"))


@pytest.mark.django_db
class TestDraftInvoice:
    def test_makes_one_line_for_each_rate_and_band(self) -> None:
        customer = make.customer(credits="50")
        use(make.event("a"), make.event("b"), make.event("c", input_tokens=9_000))

        lines = lines_of(draft(customer))

        assert [(line.description, line.calls) for line in lines] == [
            ("text-gen-v3 · input tokens · up to 8,192 tokens context (×1)", 2),
            ("text-gen-v3 · input tokens · up to 32,768 tokens context (×1.8)", 1),
            ("text-gen-v3 · output tokens · up to 8,192 tokens context (×1)", 2),
            ("text-gen-v3 · output tokens · up to 32,768 tokens context (×1.8)", 1),
        ]

    def test_names_no_band_where_there_is_none(self) -> None:
        card, _, _ = make.SEED_CARD.partition("  - dimension: context_window")
        customer = make.customer(plan=make.plan(card=make.rate_card(card)))
        use_seed()

        lines = lines_of(draft(customer))

        assert [line.description for line in lines] == [
            "text-gen-v3 · input tokens",
            "text-gen-v3 · output tokens",
        ]

    def test_its_lines_are_the_charges_to_the_last_digit(self) -> None:
        customer = make.customer(credits="50")
        use_seed(7)

        invoice = draft(customer)

        charged = total(Charge.objects.values_list("amount", flat=True))
        assert total(line.exact_amount for line in lines_of(invoice)) == charged
        assert charged == 7 * SEED_COST

    def test_rounds_lines_so_that_they_add_up_to_the_rounded_sum(self) -> None:
        customer = make.customer(credits="50")
        # 0.0042 + 0.0042 rounds to 0.01, though each of them rounds to 0.00.
        use(make.event(input_tokens=1_400, output_tokens=350))

        invoice = draft(customer)

        assert [line.amount for line in lines_of(invoice)] == [
            Decimal("0.01"),
            Decimal("0.00"),
        ]
        assert invoice.total == Decimal("0.01")

    def test_prices_of_two_versions_are_on_two_lines(self) -> None:
        card = make.rate_card()
        dearer = make.SEED_CARD.replace("0.003", "0.004")
        make.published_version(card, dearer, effective_from=make.NOW)
        customer = make.customer(plan=make.plan(card=card), credits="50")
        before = make.NOW - timedelta(seconds=1)
        use(make.event("a", occurred_at=before), make.event("b"))

        lines = lines_of(draft(customer))

        assert [line.exact_amount for line in lines] == [
            Decimal("0.001236"),
            Decimal("0.012996"),
            Decimal("0.001648"),
            Decimal("0.012996"),
        ]

    def test_ends_with_the_plans_fee(self) -> None:
        customer = make.customer(plan=make.plan(monthly_fee="20"), credits="50")
        use_seed()

        *_, fee = lines_of(draft(customer))

        assert fee.kind == "fee"
        assert fee.amount == 20

    def test_shows_a_free_model_as_free(self) -> None:
        free = make.SEED_CARD.replace("0.003", "0").replace("0.012", "0")
        customer = make.customer(plan=make.plan(card=make.rate_card(free)))
        use_seed()

        invoice = final(customer)

        assert [line.calls for line in lines_of(invoice)] == [1, 1]
        assert invoice.total == 0
        assert invoice.status == Status.PAID

    def test_a_second_draft_replaces_the_first_ones_lines(self) -> None:
        customer = make.customer(credits="50")
        use_seed(1)
        first = draft(customer)
        use(make.event("later"))

        second = draft(customer)

        assert second == first
        assert [line.calls for line in lines_of(second)] == [2, 2]

    def test_leaves_a_final_invoice_as_it_is(self) -> None:
        customer = make.customer(credits="50")
        use_seed()
        invoice = final(customer)

        assert draft(customer) == invoice
        assert draft(customer).number == invoice.number

    def test_refuses_a_period_without_usage_or_fee(self) -> None:
        customer = make.customer(credits="50")

        with pytest.raises(EmptyPeriodError):
            draft(customer)

        assert not Invoice.objects.exists()


@pytest.mark.django_db
class TestFinalizeInvoice:
    def test_numbers_and_closes_the_period(self) -> None:
        customer = make.customer(credits="50")
        use_seed()

        invoice = final(customer)

        customer.refresh_from_db()
        assert invoice.number == "INV-2026-000001"
        assert invoice.finalized_at == MONTH_END
        assert customer.closed_until == NOVEMBER.end

    def test_a_second_time_returns_the_first_result(self) -> None:
        customer = make.customer(credits="50")
        use_seed()
        invoice = draft(customer)
        first = finalize_invoice(invoice=invoice, at=MONTH_END)

        second = finalize_invoice(invoice=invoice, at=MONTH_END + timedelta(days=1))

        assert (second.number, second.finalized_at) == (first.number, MONTH_END)
        assert NumberSeries.objects.get().last == 1

    def test_takes_in_what_came_after_the_draft(self) -> None:
        customer = make.customer(credits="50")
        use_seed()
        invoice = draft(customer)
        use(make.event("just in time"))

        finalize_invoice(invoice=invoice, at=MONTH_END)

        assert [line.calls for line in lines_of(invoice)] == [2, 2]

    def test_a_late_event_goes_to_the_open_period(self) -> None:
        customer = make.customer(credits="50")
        use_seed()
        invoice = final(customer)

        use(make.event("late"), received_at=MONTH_END)

        assert event_of("late").period_start == NOVEMBER.end
        assert [line.calls for line in lines_of(invoice)] == [1, 1]

    def test_a_failure_at_the_end_leaves_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        customer = make.customer(credits="50")
        use_seed()
        invoice = draft(customer)
        monkeypatch.setattr("invoices.services.invoicing.issue", _fail)

        with pytest.raises(ZeroDivisionError):
            finalize_invoice(invoice=invoice, at=MONTH_END)

        assert Customer.objects.get().closed_until is None
        assert Invoice.objects.get().status == Status.DRAFT


def _fail(*_args: object, **_options: object) -> None:
    raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_finalizing_at_once_makes_one_invoice() -> None:
    customer = make.customer(plan=make.plan(mode=Mode.POSTPAID), credits="50")
    use_seed()

    invoices = at_once(lambda: final(customer))

    assert {invoice.number for invoice in invoices} == {"INV-2026-000001"}
    assert Invoice.objects.count() == 1
    assert InvoiceLine.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_draft_waits_for_usage_that_is_being_recorded() -> None:
    customer = make.customer(credits="50")
    use_seed()

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            use(make.event("meanwhile"))
            drafted = thread.submit(_draft, customer)
            with pytest.raises(TimeoutError):
                drafted.result(timeout=0.5)
        lines = lines_of(drafted.result())

    assert [line.calls for line in lines] == [2, 2]


def _draft(customer: Customer) -> Invoice:
    try:
        return draft(customer)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_usage_recorded_while_finalizing_is_in_one_period() -> None:
    customer = make.customer(credits="50")
    use_seed()
    keys = iter(range(100))

    def race() -> None:
        use(make.event(f"racing {next(keys)}"), received_at=MONTH_END)
        final(customer)

    at_once(race)

    invoice = Invoice.objects.get()
    charged = Charge.objects.filter(period_start=invoice.period.start)
    assert lines_of(invoice)[0].calls * 2 == charged.count()
