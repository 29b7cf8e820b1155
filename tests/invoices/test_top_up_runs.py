"""Auto top-ups: when credits are bought."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from billing.models import NoticeKind
from billing.services.alerts import review_balance
from invoices.models import AutoTopUp, Invoice, OffBecause, Payment
from invoices.payments.simulated import DemoCard
from invoices.services.top_up_runs import start_top_up
from invoices.services.top_ups import (
    switch_off_auto_top_up,
)
from tests import make
from tests.billing.alerting import use
from tests.invoices.topping_up import (
    HOUR,
    NOW,
    agree,
    balance,
    keep_card,
    noticed,
    overdraw,
    run,
    topped_up,
)

pytestmark = pytest.mark.django_db


class TestStartTopUp:
    def test_buys_once_credits_are_below_the_threshold(self) -> None:
        customer = topped_up()
        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        use("a")

        payment = start_top_up(customer_id=customer.pk, at=NOW)

        assert payment
        assert payment.method == AutoTopUp.objects.get().method
        assert (payment.invoice.credits, payment.amount) == make.row(20, 20)

    def test_buys_nothing_at_the_threshold_itself(self) -> None:
        customer = topped_up(threshold="7")
        use("a")

        assert start_top_up(customer_id=customer.pk, at=NOW) is None

    def test_buys_one_thing_at_a_time(self) -> None:
        customer = topped_up()
        use("a")
        start_top_up(customer_id=customer.pk, at=NOW)
        use("b")

        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        assert Payment.objects.filter(method__isnull=False).count() == 1

    def test_buys_at_once_if_credits_were_low_before_it_was_agreed(self) -> None:
        customer = topped_up(threshold="20")

        assert run(customer)

    def test_buys_once_an_hour_until_the_threshold_is_reached(self) -> None:
        customer = topped_up()
        overdraw(39)
        early = NOW + HOUR - timedelta(seconds=1)

        bought = [run(customer, at=at) for at in (NOW, NOW, early, NOW + HOUR)]

        assert [bool(payment) for payment in bought] == [True, False, False, True]
        assert run(customer, at=NOW + 2 * HOUR) is None
        assert balance(customer) == 11

    @pytest.mark.parametrize("is_other", [False, True])
    def test_waits_that_hour_whatever_is_switched_or_changed(
        self, *, is_other: bool
    ) -> None:
        customer = topped_up()
        overdraw(60)
        run(customer)

        switch_off_auto_top_up(
            customer=customer, because=OffBecause.CUSTOMER, by="ada", at=NOW
        )
        card = DemoCard.DECLINED_LATER if is_other else DemoCard.WORKS
        agree(customer, keep_card(customer, card), amount="40")

        assert run(customer, at=NOW + HOUR - timedelta(seconds=1)) is None
        assert run(customer, at=NOW + HOUR)

    def test_buys_nothing_for_somebody_who_never_agreed(self) -> None:
        assert start_top_up(customer_id=make.customer().pk, at=NOW) is None

    def test_counts_what_time_has_let_lapse(self) -> None:
        customer = topped_up(threshold="12")
        make.lot(customer.wallet, "5", expires_at=NOW + HOUR)
        review_balance(customer_id=customer.pk, at=NOW)

        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        assert start_top_up(customer_id=customer.pk, at=NOW + HOUR)

    def test_that_waited_for_the_wallet_does_not_buy_what_was_bought_meanwhile(
        self,
    ) -> None:
        customer = topped_up()
        use("a")
        run(customer, at=NOW + timedelta(seconds=1))

        assert start_top_up(customer_id=customer.pk, at=NOW) is None

    def test_is_off_where_its_amount_is_no_longer_sold(
        self, settings: Settings
    ) -> None:
        customer = topped_up()
        use("a")
        settings.PURCHASE_MINIMUM = Decimal(21)

        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        assert AutoTopUp.objects.get().off_because == OffBecause.AMOUNT
        assert noticed(customer) == [NoticeKind.TOP_UP_OFF]

    def test_is_off_where_its_card_is_of_another_provider(
        self, settings: Settings
    ) -> None:
        customer = topped_up()
        use("a")
        settings.PAYMENT_PROVIDER = "stripe"

        assert start_top_up(customer_id=customer.pk, at=NOW) is None
        assert AutoTopUp.objects.get().off_because == OffBecause.CARD_UNUSABLE

    def test_is_undone_as_a_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        customer = topped_up()
        use("a")
        monkeypatch.setattr("invoices.services.top_up_runs.start_payment", _fail)

        with pytest.raises(ZeroDivisionError):
            start_top_up(customer_id=customer.pk, at=NOW)

        assert Invoice.objects.count() == 1


def _fail(**_: object) -> None:
    raise ZeroDivisionError
