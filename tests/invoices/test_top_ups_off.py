"""Switching auto top-ups off, and removing the cards that they charge."""

from decimal import Decimal

import pytest

from billing.models import Customer, NoticeKind
from invoices.models import AutoTopUp, DisputeStatus, Invoice, OffBecause, Payment
from invoices.payments import DisputeNews
from invoices.services.methods import remove_method
from invoices.services.news import act_on
from invoices.services.refunds import request_refund
from invoices.services.top_ups import switch_off_auto_top_up
from tests import make
from tests.billing.alerting import use, watched
from tests.invoices.topping_up import (
    DECLINED,
    NOW,
    agree,
    keep_card,
    noticed,
    notices,
    run,
    topped_up,
)

pytestmark = pytest.mark.django_db


class TestSwitchingOff:
    def test_by_the_customer_is_not_announced(self) -> None:
        customer = topped_up()

        switch_off(customer, OffBecause.CUSTOMER)
        assert watched(customer) is None
        use("a")

        assert run(customer) is None
        assert noticed(customer) == []

    def test_for_another_reason_is_announced_once(self) -> None:
        customer = topped_up()

        for _ in range(2):
            switch_off(customer, OffBecause.DISPUTE)

        top_up = AutoTopUp.objects.get()
        assert (top_up.off_because, top_up.changed_by) == (OffBecause.DISPUTE, "grace")
        assert notices(customer).get().facts == {
            "because": "a payment was disputed at the bank"
        }

    def test_what_was_never_agreed_does_nothing(self) -> None:
        assert switch_off(make.customer(), OffBecause.REFUND) is None

    def test_may_be_taken_back(self) -> None:
        customer = topped_up()
        switch_off(customer, OffBecause.REFUND)

        agree(customer, AutoTopUp.objects.get().method)
        use("a")

        assert run(customer)

    def test_by_a_refund_ends_the_circle_of_buying_and_refunding(self) -> None:
        customer = topped_up()
        invoice = Invoice.objects.get()

        request_refund(
            invoice=invoice,
            amount=None,
            reason="unused",
            key="key-1",
            by="grace",
            at=NOW,
        )

        assert run(customer) is None
        assert AutoTopUp.objects.get().off_because == OffBecause.REFUND
        assert noticed(customer) == [NoticeKind.TOP_UP_OFF]

    def test_by_a_dispute_buys_nothing_on_a_contested_card(self) -> None:
        customer = topped_up()
        news = DisputeNews(
            provider_reference=Payment.objects.get().provider_reference,
            dispute="dp_1",
            status=DisputeStatus.OPEN,
            amount=Decimal(5),
            currency="USD",
        )

        act_on(provider="simulated", news=news, at=NOW)

        assert run(customer) is None
        assert AutoTopUp.objects.get().off_because == OffBecause.DISPUTE
        assert noticed(customer) == [
            NoticeKind.TOP_UP_OFF,
            NoticeKind.CREDITS_RETURNED,
        ]


class TestRemoveMethod:
    def test_in_use_switches_off(self) -> None:
        customer = topped_up()
        method = AutoTopUp.objects.get().method

        for _ in range(2):
            remove_method(customer=customer, method_id=method.pk, by="ada", at=NOW)

        method.refresh_from_db()
        assert method.removed_at == NOW
        assert AutoTopUp.objects.get().off_because == OffBecause.CARD_REMOVED
        assert noticed(customer) == []

    def test_not_in_use_leaves_it_on(self) -> None:
        customer = topped_up()
        other = keep_card(customer, DECLINED)

        remove_method(customer=customer, method_id=other.pk, by="ada", at=NOW)

        assert AutoTopUp.objects.get().is_on

    def test_may_be_kept_again(self) -> None:
        customer = topped_up()
        method = AutoTopUp.objects.get().method
        remove_method(customer=customer, method_id=method.pk, by="ada", at=NOW)

        assert keep_card(customer).removed_at is None


def switch_off(customer: Customer, because: OffBecause) -> AutoTopUp | None:
    return switch_off_auto_top_up(
        customer=customer, because=because, by="grace", at=NOW
    )
