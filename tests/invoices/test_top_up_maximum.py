"""How much auto top-ups buy in a month at most."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from billing.models import Customer, NoticeKind
from invoices.models import AutoTopUp, Payment, PaymentMethod
from invoices.queries.top_ups import bought_in_month, list_customers_to_top_up
from invoices.services.top_up_runs import start_top_up
from tests.billing.alerting import use
from tests.invoices.topping_up import (
    DECLINED,
    HOUR,
    NOW,
    agree,
    noticed,
    notices,
    overdraw,
    run,
    topped_up,
)

pytestmark = pytest.mark.django_db


class TestMonthlyMaximum:
    def test_is_never_passed(self) -> None:
        customer = _deep(monthly_maximum="59.99")

        bought = [run(customer, at=NOW + hours * HOUR) for hours in range(4)]

        assert [bool(payment) for payment in bought] == [True, True, False, False]
        assert bought_in_month(customer=customer, at=NOW) == 40

    def test_is_the_operators_if_that_is_less(self, settings: Settings) -> None:
        customer = _deep(monthly_maximum="60")
        settings.TOP_UP_MONTHLY_MAXIMUM = Decimal(39)

        bought = [run(customer, at=NOW + hours * HOUR) for hours in range(2)]

        assert [bool(payment) for payment in bought] == [True, False]
        capped = notices(customer).get(kind=NoticeKind.TOP_UP_CAPPED)
        assert capped.facts["monthly_maximum"] == "39"

    def test_when_raised_buys_on_though_a_card_was_declined_before(self) -> None:
        customer = topped_up(DECLINED, monthly_maximum="20")
        overdraw(90)
        run(customer)
        PaymentMethod.objects.update(reference="4242")
        run(customer, at=NOW + HOUR)
        PaymentMethod.objects.update(reference="0341")
        agree(customer, AutoTopUp.objects.get().method, monthly_maximum="40")
        run(customer, at=NOW + 2 * HOUR)
        agree(customer, AutoTopUp.objects.get().method, monthly_maximum="20")
        assert run(customer, at=NOW + 3 * HOUR) is None
        assert AutoTopUp.objects.get().capped_until

        agree(customer, AutoTopUp.objects.get().method, monthly_maximum="60")

        assert AutoTopUp.objects.get().failures == 1
        assert list_customers_to_top_up(at=NOW + 3 * HOUR) == [customer.pk]
        assert run(customer, at=NOW + 3 * HOUR)

    def test_may_be_reached_to_the_cent(self) -> None:
        customer = _deep(monthly_maximum="40")

        bought = [run(customer, at=NOW + hours * HOUR) for hours in range(3)]

        assert [bool(payment) for payment in bought] == [True, True, False]

    def test_is_told_once_a_month(self) -> None:
        customer = _deep(monthly_maximum="20")
        for hours in range(3):
            run(customer, at=NOW + hours * HOUR)

        method = AutoTopUp.objects.get().method
        agree(customer, method, amount="15", monthly_maximum="30")
        run(customer, at=NOW + 3 * HOUR)

        capped = notices(customer).get(kind=NoticeKind.TOP_UP_CAPPED)
        assert noticed(customer).count(NoticeKind.TOP_UP_CAPPED) == 1
        assert capped.facts["bought"] == "20"
        assert AutoTopUp.objects.get().is_on

    def test_counts_months_in_utc(self) -> None:
        december = datetime(2026, 12, 1, tzinfo=UTC)
        customer = _deep(monthly_maximum="20")
        run(customer)

        assert run(customer, at=december - timedelta(microseconds=1)) is None
        assert run(customer, at=december)

    def test_goes_on_after_the_end_of_a_year(self) -> None:
        silvester = datetime(2026, 12, 31, 12, tzinfo=UTC)
        customer = _deep(monthly_maximum="20")

        bought = [
            run(customer, at=silvester + hours * HOUR) for hours in (0, 1, 11, 12)
        ]

        assert [bool(payment) for payment in bought] == [True, False, False, True]

    def test_counts_what_is_pending_and_not_what_was_declined(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        start_top_up(customer_id=customer.pk, at=NOW)
        assert bought_in_month(customer=customer, at=NOW) == 20

        AutoTopUp.objects.update(pending=None)
        Payment.objects.filter(method__isnull=False).update(status="failed")

        assert bought_in_month(customer=customer, at=NOW) == 0


def _deep(*, monthly_maximum: str) -> Customer:
    """Make a customer that one purchase of 20 credits does not help."""
    customer = topped_up(monthly_maximum=monthly_maximum)
    overdraw(90)
    return customer
