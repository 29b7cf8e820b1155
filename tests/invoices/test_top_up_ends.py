"""How auto top-ups end: paid, declined, late, or at the same time as others."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from billing.models import Customer, Notice, NoticeKind
from config.verification import verify_all
from invoices.models import (
    AutoTopUp,
    Invoice,
    OffBecause,
    Payment,
    PaymentMethod,
    PaymentStatus,
    Refund,
    SimulatedPayment,
    Status,
)
from invoices.queries.top_ups import bought_in_month
from invoices.services.asking import settle_payment
from invoices.services.payments import (
    NotOpenError,
    fail_payment,
    mark_paid,
    start_payment,
)
from invoices.services.purchases import buy_credits
from invoices.services.top_up_runs import start_top_up
from invoices.services.top_ups import switch_off_auto_top_up
from ledger.models import CreditLot
from tests import make
from tests.billing.alerting import call, use, watched
from tests.invoices.topping_up import (
    DECLINED,
    HOUR,
    NOW,
    balance,
    noticed,
    notices,
    run,
    topped_up,
)
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def charged(customer: Customer) -> Payment:
    """Return the latest payment by a kept card."""
    payments = Payment.objects.filter(invoice__customer=customer, method__isnull=False)
    return payments.latest("pk")


def succeed(payment: Payment) -> None:
    """Say that a payment succeeded, as a webhook would."""
    mark_paid(
        invoice=payment.invoice,
        reference=payment.reference,
        amount=payment.amount,
        currency=payment.currency,
        at=NOW,
    )


class TestASuccess:
    def test_gives_credits_and_watches_again(self) -> None:
        customer = topped_up()
        use("a")

        run(customer)

        top_up = AutoTopUp.objects.get()
        assert balance(customer) == 27
        assert (top_up.pending, top_up.failures, top_up.retry_at) == (None, 0, None)
        assert watched(customer) == 8
        assert charged(customer).invoice.status == Status.PAID

    def test_lets_the_next_crossing_buy_again(self) -> None:
        customer = topped_up()
        use("a")
        run(customer)
        assert run(customer) is None

        use(*"bcdefgh")

        assert run(customer)
        assert balance(customer) == 26

    def test_forgets_declines_before_it(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        run(customer)
        PaymentMethod.objects.update(reference="4242")

        run(customer, at=NOW + HOUR)

        assert AutoTopUp.objects.get().failures == 0
        assert noticed(customer) == [
            NoticeKind.TOP_UP_FAILED,
            NoticeKind.TOP_UP_BOUGHT,
        ]

    def test_is_told_with_what_can_be_spent_since(self) -> None:
        customer = topped_up()
        use("a")

        payment = run(customer)
        settle_payment(payment_id=payment.pk, at=NOW)  # type: ignore[union-attr]

        notice = Notice.objects.get(kind=NoticeKind.TOP_UP_BOUGHT)
        assert notice.kind == NoticeKind.TOP_UP_BOUGHT
        assert notice.facts == {
            "amount": "20",
            "card": "Test card ending in 4242",
            "balance": "27",
            "invoice": "INV-2026-000002",
        }

    def test_told_by_webhook_is_the_same(self) -> None:
        customer = topped_up()
        use("a")
        payment = start_top_up(customer_id=customer.pk, at=NOW)
        assert payment

        for _ in range(2):
            succeed(payment)

        assert AutoTopUp.objects.get().pending is None
        assert balance(customer) == 27


class TestADecline:
    def test_voids_the_invoice_and_tells(self) -> None:
        customer = topped_up(DECLINED)
        use("a")

        run(customer)

        payment = charged(customer)
        assert (payment.status, payment.invoice.status) == ("failed", Status.VOID)
        assert balance(customer) == 7
        assert notices(customer).get().facts == {
            "amount": "20",
            "card": "Test card ending in 0341",
            "failure": "declined",
            "retry_at": (NOW + HOUR).isoformat(),
        }

    def test_is_tried_again_after_an_hour_then_a_day_then_off(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        second = timedelta(seconds=1)
        moments = [NOW, NOW + HOUR, NOW + HOUR + DAY]

        tries = [
            (run(customer, at=at - second) if at != NOW else None, run(customer, at=at))
            for at in moments
        ]

        assert [(bool(early), bool(due)) for early, due in tries] == [(False, True)] * 3
        top_up = AutoTopUp.objects.get()
        assert top_up.off_because == OffBecause.DECLINED
        kinds = [NoticeKind.TOP_UP_FAILED] * 2 + [NoticeKind.TOP_UP_OFF]
        assert noticed(customer) == kinds
        assert run(customer, at=NOW + 30 * DAY) is None

    def test_told_twice_counts_once(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        run(customer)

        fail_payment(payment=charged(customer), at=NOW)

        assert AutoTopUp.objects.get().failures == 1

    def test_after_it_was_switched_off_is_not_told(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        payment = start_top_up(customer_id=customer.pk, at=NOW)
        because = OffBecause.CUSTOMER
        switch_off_auto_top_up(customer=customer, because=because, by="ada", at=NOW)
        assert payment

        fail_payment(payment=payment, at=NOW)

        assert AutoTopUp.objects.get().pending is None
        assert charged(customer).invoice.status == Status.VOID
        assert noticed(customer) == []

    def test_that_was_none_sends_the_money_back(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        run(customer)

        for _ in range(2):
            succeed(charged(customer))

        assert Refund.objects.get().amount == 20
        assert bought_in_month(customer=customer, at=NOW) == 0
        assert balance(customer) == 7
        assert AutoTopUp.objects.get().failures == 1

    def test_of_another_payment_is_none_of_its_business(self) -> None:
        customer = topped_up()
        invoice = buy_credits(customer=customer, amount=Decimal(5), at=NOW)

        fail_payment(payment=start_payment(invoice=invoice, at=NOW), at=NOW)

        invoice.refresh_from_db()
        assert invoice.status == Status.OPEN
        assert AutoTopUp.objects.get().failures == 0


def test_what_is_being_charged_cannot_be_paid_on_a_page_too() -> None:
    customer = topped_up()
    use("a")
    payment = start_top_up(customer_id=customer.pk, at=NOW)
    assert payment

    with pytest.raises(NotOpenError):
        start_payment(invoice=payment.invoice, at=NOW)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_fifty_crossings_charge_once(self) -> None:
        customer = topped_up(threshold="9", amount="200", monthly_maximum="1000")

        def spend_and_run(key: str) -> Payment | None:
            make.record(call(key))
            return run(customer)

        payments = run_at_once([partial(spend_and_run, f"r{n}") for n in range(50)])

        assert len([payment for payment in payments if payment]) == 1
        assert SimulatedPayment.objects.count() == 1
        assert Invoice.objects.filter(credits=200).count() == 1
        assert balance(customer) == 10 + 200 - 150
        assert [each for finding in verify_all() for each in finding.differences] == []

    def test_ending_told_by_many_is_taken_into_account_once(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        payment = start_top_up(customer_id=customer.pk, at=NOW)
        assert payment

        run_at_once([partial(fail_payment, payment=payment, at=NOW)] * 10)

        assert AutoTopUp.objects.get().failures == 1
        assert noticed(customer) == [NoticeKind.TOP_UP_FAILED]

    def test_success_and_failure_told_together_end_in_one_of_both(self) -> None:
        customer = topped_up()
        use("a")
        payment = start_top_up(customer_id=customer.pk, at=NOW)
        assert payment

        fail = partial(fail_payment, payment=payment, at=NOW)
        calls: list[Callable[[], object]] = [partial(succeed, payment), fail]
        run_at_once(calls)

        payment.refresh_from_db()
        granted = CreditLot.objects.filter(granted=20).count()
        assert payment.status == PaymentStatus.SUCCEEDED
        assert granted + Refund.objects.count() == 1
