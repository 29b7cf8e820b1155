from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from billing.models import Customer, IdempotencyClaim
from billing.periods import period_containing
from invoices.models import Invoice, InvoiceLine
from invoices.queries import (
    get_invoice,
    get_line,
    list_calls,
    list_days,
    list_invoices,
    list_lines,
)
from invoices.services.purchases import buy_pack
from ledger.money import total
from tests import make
from tests.invoices.state import MONTH_END, NOVEMBER, draft, event_of, final, use

DAY = make.NOW.date()
EVE = make.NOW - timedelta(days=1)


def customer_with_usage(*, calls: int = 3, time_zone: str = "UTC") -> Customer:
    customer = make.customer(credits="50", time_zone=time_zone)
    use(
        make.event("eve", occurred_at=EVE),
        *(
            make.event(f"req_{number}", input_tokens=number)
            for number in range(1, calls + 1)
        ),
    )
    return customer


def first_line(invoice: Invoice) -> InvoiceLine:
    return list_lines(invoice=invoice)[0]


@pytest.mark.django_db
class TestInvoices:
    def test_are_listed_newest_first(self) -> None:
        customer = customer_with_usage()
        older, newer = (
            final(customer),
            buy_pack(customer=customer, pack=make.pack(), at=MONTH_END),
        )

        assert list(list_invoices(customer=customer)) == [newer, older]

    def test_drafts_are_listed_only_if_asked_for(self) -> None:
        customer = customer_with_usage()
        drafted = draft(customer)

        assert not list_invoices(customer=customer)
        assert list(list_invoices(customer=customer, with_drafts=True)) == [drafted]

    def test_of_another_customer_are_not_found(self) -> None:
        invoice = final(customer_with_usage())
        other = make.customer(external_id="cus_other")

        assert not list_invoices(customer=other)
        with pytest.raises(Invoice.DoesNotExist):
            get_invoice(customer=other, number=str(invoice.number))
        with pytest.raises(InvoiceLine.DoesNotExist):
            get_line(customer=other, number=str(invoice.number), position=1)


@pytest.mark.django_db
class TestListDays:
    def test_the_days_add_up_to_the_line(self) -> None:
        invoice = final(customer_with_usage())

        for line in list_lines(invoice=invoice):
            days = list_days(line=line)
            assert [(each.day, each.calls) for each in days] == [
                (EVE.date(), 1),
                (DAY, 3),
            ]
            assert total(each.amount for each in days) == line.exact_amount
            assert total(each.quantity for each in days) == line.quantity

    def test_a_late_call_is_under_its_own_day_in_the_next_invoice(self) -> None:
        customer = customer_with_usage()
        final(customer)
        use(make.event("late"), received_at=MONTH_END)

        december = period_containing(NOVEMBER.end, customer.zone)
        [day] = list_days(line=first_line(final(customer, december)))

        assert (day.day, day.calls) == (DAY, 1)

    def test_a_fee_has_no_days(self) -> None:
        customer = make.customer(plan=make.plan(monthly_fee="20"))
        line = first_line(final(customer))

        assert list_days(line=line) == []
        assert list_calls(line=line, day=DAY).calls == []


@pytest.mark.django_db
class TestListCalls:
    def test_the_calls_add_up_to_the_day(self) -> None:
        line = first_line(final(customer_with_usage()))

        page = list_calls(line=line, day=DAY)

        assert [call.key for call in page.calls] == ["req_1", "req_2", "req_3"]
        assert page.day.calls == 3
        assert total(call.charge.amount for call in page.calls) == page.day.amount
        assert page.next_after is None

    def test_each_call_is_explained(self) -> None:
        line = first_line(final(customer_with_usage(calls=1)))

        [call] = list_calls(line=line, day=DAY).calls

        assert (
            call.explanation == "1 input_tokens at $0.003 per 1,000 tokens = $0.000003."
        )

    def test_pages_meet_without_gap_or_overlap(self) -> None:
        line = first_line(final(customer_with_usage(calls=5)))

        first = list_calls(line=line, day=DAY, limit=2)
        second = list_calls(line=line, day=DAY, after=first.next_after, limit=2)
        third = list_calls(line=line, day=DAY, after=second.next_after, limit=2)

        pages = [[call.key for call in page.calls] for page in (first, second, third)]
        assert pages == [["req_1", "req_2"], ["req_3", "req_4"], ["req_5"]]
        assert third.next_after is None

    def test_pages_are_in_the_order_of_time_whenever_they_were_posted(self) -> None:
        customer = make.customer(credits="50")
        use(make.event("second"))
        use(make.event("first", occurred_at=make.NOW - timedelta(minutes=1)))
        line = first_line(final(customer))

        page = list_calls(line=line, day=DAY, limit=1)
        rest = list_calls(line=line, day=DAY, after=page.next_after)

        assert [call.key for call in (*page.calls, *rest.calls)] == ["first", "second"]

    def test_a_day_is_that_of_the_customers_clocks(self) -> None:
        customer = make.customer(credits="50", time_zone="Asia/Tokyo")
        use(make.event("evening", occurred_at=datetime(2026, 11, 14, 15, tzinfo=UTC)))
        november = period_containing(make.NOW, customer.zone)
        line = first_line(final(customer, november))

        assert [call.key for call in list_calls(line=line, day=DAY).calls] == [
            "evening"
        ]
        assert list_calls(line=line, day=DAY - timedelta(days=1)).calls == []

    def test_a_day_without_calls_is_empty(self) -> None:
        line = first_line(final(customer_with_usage()))

        page = list_calls(line=line, day=date(2026, 11, 1))

        assert (page.calls, page.day.calls, page.day.amount) == ([], 0, Decimal(0))

    def test_another_customers_call_is_no_place_to_begin(self) -> None:
        line = first_line(final(customer_with_usage()))
        make.customer(external_id="cus_other", credits="50")
        use(make.event("foreign", customer="cus_other"))

        with pytest.raises(IdempotencyClaim.DoesNotExist):
            list_calls(line=line, day=DAY, after=event_of("foreign").pk)

    def test_leaves_out_late_calls_of_the_same_day(self) -> None:
        customer = customer_with_usage()
        line = first_line(final(customer))
        use(make.event("late"), received_at=MONTH_END)

        assert len(list_calls(line=line, day=DAY).calls) == 3

    def test_takes_as_many_queries_for_many_calls_as_for_one(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        number = str(final(customer_with_usage(calls=5)).number)
        line = get_line(customer=Customer.objects.get(), number=number, position=1)

        # The calls, their charges and keys, the day's totals.
        with django_assert_num_queries(4):
            page = list_calls(line=line, day=DAY)
            assert [call.explanation for call in page.calls]
