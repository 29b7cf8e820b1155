"""Payments that begin, succeed and fail at one moment: each waits for the other."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from invoices.models import (
    AutoTopUp,
    Invoice,
    OffBecause,
    Payment,
    PaymentStatus,
    Refund,
    RefundKind,
    Status,
)
from invoices.services.payments import (
    NotOpenError,
    fail_payment,
    mark_paid,
    restart_payment,
    start_payment,
)
from invoices.services.purchases import buy_pack
from invoices.services.top_up_runs import start_top_up
from tests import make
from tests.billing.alerting import use
from tests.invoices.topping_up import topped_up
from tests.make import NOW
from tests.threads import run_behind

pytestmark = pytest.mark.django_db(transaction=True)


def begun() -> Payment:
    """Return an attempt to pay that is under way."""
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=NOW)
    return start_payment(invoice=invoice, at=NOW)


def begun_after_two_declines() -> Payment:
    """Return the charge of an auto top-up that is off if it is declined once more."""
    customer = topped_up()
    AutoTopUp.objects.update(failures=2)
    use("a")
    payment = start_top_up(customer_id=customer.pk, at=NOW)
    assert payment
    return payment


def succeed(payment: Payment) -> object:
    return mark_paid(
        invoice=payment.invoice,
        reference=payment.reference,
        amount=payment.amount,
        currency="USD",
        at=NOW,
    )


def lock(payment: Payment) -> Payment:
    return Payment.objects.select_for_update().get(pk=payment.pk)


def fresh(payment: Payment) -> Payment:
    """Return a payment as a process of its own reads it, before it ends."""
    return Payment.objects.select_related("invoice__customer").get(pk=payment.pk)


class TestFailPayment:
    def test_of_a_third_decline_never_deadlocks_with_a_success(self) -> None:
        payment = begun_after_two_declines()
        calls: list[Callable[[], object]] = [
            partial(fail_payment, payment=fresh(payment), at=NOW),
            partial(succeed, fresh(payment)),
        ]

        # The decline has what it locks first, the success waits for it.
        run_behind(partial(lock, payment), calls, commit=True)

        payment.refresh_from_db()
        top_up, refund = AutoTopUp.objects.get(), Refund.objects.get()
        assert payment.status == PaymentStatus.SUCCEEDED
        assert payment.invoice.status == Status.VOID
        assert (top_up.pending, top_up.off_because) == (None, OffBecause.DECLINED)
        assert (refund.payment, refund.kind) == (payment, RefundKind.EXCESS)

    def test_of_what_succeeds_meanwhile_changes_nothing(self) -> None:
        payment = begun_after_two_declines()
        fail = partial(fail_payment, payment=fresh(payment), at=NOW)

        [ended] = run_behind(partial(succeed, payment), [fail], commit=True)

        assert ended.status == PaymentStatus.SUCCEEDED
        assert AutoTopUp.objects.get().failures == 0

    def test_waits_for_whoever_ends_the_payment_alone(self) -> None:
        payment = begun()
        fail = partial(fail_payment, payment=fresh(payment), at=NOW)
        rows = Payment.objects.filter(pk=payment.pk)

        [ended] = run_behind(
            partial(rows.update, status=PaymentStatus.SUCCEEDED), [fail], commit=True
        )

        assert ended.status == PaymentStatus.SUCCEEDED


def start_again(payment: Payment) -> Payment:
    return start_payment(invoice=payment.invoice, at=NOW)


def restart(payment: Payment) -> Payment:
    return restart_payment(payment=payment, at=NOW)


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except NotOpenError as error:
        return type(error)


@pytest.mark.parametrize("begin", [start_again, restart])
class TestStartPayment:
    def test_waits_for_a_success_and_asks_for_nothing_more(
        self, begin: Callable[[Payment], Payment]
    ) -> None:
        payment = begun()
        call = partial(outcome, partial(begin, fresh(payment)))

        [found] = run_behind(partial(succeed, payment), [call], commit=True)

        assert found is NotOpenError
        assert Payment.objects.get().status == PaymentStatus.SUCCEEDED

    def test_goes_on_if_the_success_came_to_nothing(
        self, begin: Callable[[Payment], Payment]
    ) -> None:
        payment = begun()
        call = partial(outcome, partial(begin, fresh(payment)))

        [found] = run_behind(partial(succeed, payment), [call], commit=False)

        assert found == Payment.objects.latest("pk")
        assert Invoice.objects.get().status == Status.OPEN
        assert found.status == PaymentStatus.PENDING
