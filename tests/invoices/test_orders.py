"""Orders that nobody pays for: they end, and there are not too many."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.test import Client
from pytest_django import Settings

from billing.models import CreditPack
from invoices.models import Invoice, Payment, Refund, Status
from invoices.queries.orders import list_stale_orders
from invoices.services.orders import void_stale_order
from invoices.services.payments import NotOpenError, fail_payment, mark_paid
from invoices.services.payments import start_payment as start
from invoices.services.purchases import (
    MOST_OPEN_ORDERS,
    Order,
    TooManyOrdersError,
    buy_credits,
    buy_pack,
    buy_top_up,
    place_order,
)
from invoices.tasks import sweep_orders
from tests import make
from tests.invoices.state import final
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
NOW = make.NOW
WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)


def order() -> Invoice:
    return buy_pack(customer=make.customer(), pack=make.pack(), at=NOW)


def void(invoice: Invoice, *, at: datetime = NOW + WEEK) -> str:
    """Run what the sweep does; returns how the invoice stands then."""
    is_listed = invoice.pk in list_stale_orders(at=at)
    assert void_stale_order(invoice_id=invoice.pk, at=at) == is_listed
    invoice.refresh_from_db()
    return invoice.status


class TestVoidStaleOrder:
    def test_ends_what_was_left_for_a_week(self) -> None:
        invoice = order()

        assert void(invoice, at=NOW + WEEK - SECOND) == Status.OPEN
        assert void(invoice) == Status.VOID
        assert (invoice.voided_by, invoice.voided_at) == ("order sweep", NOW + WEEK)
        with pytest.raises(NotOpenError):
            start(invoice=invoice, at=NOW + WEEK)

    def test_leaves_what_is_being_paid_until_that_has_ended(self) -> None:
        invoice = order()
        payment = start(invoice=invoice, at=NOW)
        assert void(invoice) == Status.OPEN

        fail_payment(payment=payment, at=NOW + WEEK)

        assert void(invoice) == Status.VOID

    def test_leaves_what_is_paid(self) -> None:
        invoice = order()
        _pay(start(invoice=invoice, at=NOW))

        assert void(invoice) == Status.PAID

    def test_leaves_usage(self) -> None:
        customer = make.customer(plan=make.plan(monthly_fee="20"))

        assert void(final(customer), at=NOW + 99 * WEEK) == Status.OPEN

    def test_sends_money_back_that_still_comes(self) -> None:
        invoice = order()
        payment = start(invoice=invoice, at=NOW)
        fail_payment(payment=payment, at=NOW)
        void(invoice)

        _pay(payment)

        assert Refund.objects.get().amount == 50
        invoice.customer.wallet.refresh_from_db()
        assert invoice.customer.wallet.balance == 0

    def test_lasts_as_long_as_the_operator_says(self, settings: Settings) -> None:
        settings.ORDER_LASTS = timedelta(days=1)

        assert void(order(), at=NOW + timedelta(days=1)) == Status.VOID

    def test_of_a_retired_pack_may_be_paid_until_then(self) -> None:
        invoice = order()
        CreditPack.objects.update(is_active=False)

        _pay(start(invoice=invoice, at=NOW + WEEK - SECOND))

        invoice.refresh_from_db()
        assert invoice.status == Status.PAID


class TestTooManyOrders:
    def test_are_refused_until_one_has_ended(self) -> None:
        first = order()
        customer, pack = first.customer, make.pack()
        for _ in range(MOST_OPEN_ORDERS - 1):
            buy_pack(customer=customer, pack=pack, at=NOW)
        asked = Order(amount=Decimal(5))

        with pytest.raises(TooManyOrdersError):
            buy_pack(customer=customer, pack=pack, at=NOW)
        with pytest.raises(TooManyOrdersError):
            buy_credits(customer=customer, amount=Decimal(5), at=NOW)
        with pytest.raises(TooManyOrdersError):
            place_order(customer=customer, order=asked, key="k", at=NOW)

        void(first)
        place_order(customer=customer, order=asked, key="k", at=NOW)
        repeated = place_order(customer=customer, order=asked, key="k", at=NOW)
        assert repeated.is_repeat

    def test_do_not_keep_auto_top_up_from_buying(self) -> None:
        customer, pack = make.customer(), make.pack()
        for _ in range(MOST_OPEN_ORDERS):
            buy_pack(customer=customer, pack=pack, at=NOW)

        buy_top_up(customer=customer, amount=Decimal(5), at=NOW)

        assert Invoice.objects.count() == MOST_OPEN_ORDERS + 1

    def test_are_told_in_the_portal(self, client: Client) -> None:
        customer, pack = make.customer(), make.pack()
        for _ in range(MOST_OPEN_ORDERS):
            buy_pack(customer=customer, pack=pack, at=NOW)
        client.force_login(make.member(customer))

        for path, asked in (("", {"pack": pack.code}), ("amount/", {"amount": "5"})):
            page = client.post(f"/portal/buy/{path}", asked, follow=True)

            assert page.redirect_chain == [("/portal/invoices/", 302)]
            assert "20 purchases wait to be paid." in page.content.decode()

    @pytest.mark.django_db(transaction=True)
    def test_are_refused_though_they_come_at_once(self) -> None:
        customer, pack = make.customer(), make.pack()

        def buy() -> None:
            try:
                buy_pack(customer=customer, pack=pack, at=NOW)
            except TooManyOrdersError:
                return

        run_at_once([partial(buy)] * (MOST_OPEN_ORDERS + 5))

        assert Invoice.objects.count() == MOST_OPEN_ORDERS


@pytest.mark.usefixtures("worker")
def test_the_sweep_ends_every_one_that_is_left() -> None:
    invoice = order()
    week_ago = make.NOW - timedelta(days=400)
    old = buy_pack(customer=invoice.customer, pack=make.pack(), at=week_ago)

    sweep_orders()

    old.refresh_from_db()
    assert old.status == Status.VOID


def _pay(payment: Payment) -> None:
    mark_paid(
        invoice=payment.invoice,
        reference=payment.reference,
        amount=payment.amount,
        currency=payment.currency,
        at=NOW,
    )
