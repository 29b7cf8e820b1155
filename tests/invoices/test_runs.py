from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from billing.models import Customer
from billing.models.plans import Mode
from invoices.models import Invoice, Status
from invoices.queries.waiting import list_customers_to_invoice, list_periods_to_invoice
from invoices.services.runs import invoice_customer
from invoices.tasks import run_invoices
from tests import make
from tests.invoices.state import MONTH_END, NOVEMBER, use, use_seed

# The month after a customer came to be, on the database's clock.
LATER = timezone.now() + timedelta(days=40)


def run(customer: Customer, at: datetime = MONTH_END) -> list[Invoice]:
    return invoice_customer(customer_id=customer.pk, at=at)


@pytest.mark.django_db
class TestWhoIsToBeInvoiced:
    def test_a_customer_with_usage_once_the_month_has_ended(self) -> None:
        customer = make.customer(credits="50")
        use_seed()
        last_moment = NOVEMBER.end - timedelta(microseconds=1)

        assert list_customers_to_invoice(at=last_moment) == []
        assert list_customers_to_invoice(at=NOVEMBER.end) == [customer.pk]

    def test_the_month_ends_by_the_customers_clocks(self) -> None:
        customer = make.customer(credits="50", time_zone="America/New_York")
        use_seed()

        assert list_customers_to_invoice(at=NOVEMBER.end) == []
        in_new_york = NOVEMBER.end + timedelta(hours=5)
        assert list_customers_to_invoice(at=in_new_york) == [customer.pk]

    def test_nobody_who_is_invoiced(self) -> None:
        customer = make.customer(credits="50")
        use_seed()
        run(customer)

        assert list_customers_to_invoice(at=MONTH_END) == []

    def test_a_customer_without_usage_who_was_there(self) -> None:
        customer = make.customer()

        assert list_customers_to_invoice(at=LATER) == [customer.pk]

    def test_no_customer_who_came_since(self) -> None:
        customer = make.customer()
        now = timezone.now()

        assert list_customers_to_invoice(at=now) == []
        assert list_periods_to_invoice(customer=customer, at=now) == []


@pytest.mark.django_db
class TestInvoiceCustomer:
    def test_drafts_within_the_draft_window(self) -> None:
        customer = make.customer(credits="50")
        use_seed()

        [invoice] = run(customer, NOVEMBER.end)

        assert invoice.status == Status.DRAFT

    def test_finalizes_once_it_has_passed(self) -> None:
        customer = make.customer(credits="50")
        use_seed()
        run(customer, NOVEMBER.end)

        [invoice] = run(customer, NOVEMBER.end + settings.INVOICE_DRAFT_WINDOW)

        assert invoice.status == Status.PAID

    def test_a_second_run_makes_nothing(self) -> None:
        customer = make.customer(plan=make.plan(mode=Mode.POSTPAID))
        use_seed()
        run(customer)

        assert run(customer) == []
        assert Invoice.objects.count() == 1

    def test_catches_up_on_missed_months_in_order(self) -> None:
        customer = make.customer(credits="50")
        for month in (9, 11):
            at = datetime(2026, month, 15, tzinfo=UTC)
            use(make.event(f"in {month}", occurred_at=at), received_at=at)

        invoices = run(customer)

        assert [(each.number, each.period.start.month) for each in invoices] == [
            ("INV-2026-000001", 9),
            ("INV-2026-000002", 11),
        ]

    def test_charges_a_fee_without_usage(self) -> None:
        customer = make.customer(plan=make.plan(monthly_fee="20"))

        [invoice] = run(customer, LATER)

        assert invoice.amount_due == 20
        assert invoice.status == Status.OPEN

    def test_closes_an_empty_period_without_an_invoice(self) -> None:
        customer = make.customer()
        [period] = list_periods_to_invoice(customer=customer, at=LATER)

        assert run(customer, period.end + timedelta(days=1)) == []

        customer.refresh_from_db()
        assert customer.closed_until == period.end
        assert not Invoice.objects.exists()

    def test_leaves_a_void_invoice_void(self) -> None:
        customer = make.customer(plan=make.plan(mode=Mode.POSTPAID))
        use(make.event(output_tokens=1_000_000))
        run(customer)
        Invoice.objects.update(status=Status.VOID)

        assert run(customer) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("worker")
def test_the_run_invoices_every_customer() -> None:
    for number in (1, 2):
        make.customer(external_id=f"cus_{number}", credits="50")
        use(make.event(customer=f"cus_{number}"))

    with time_machine.travel(MONTH_END):
        run_invoices()

    assert Invoice.objects.filter(status=Status.PAID).count() == 2
