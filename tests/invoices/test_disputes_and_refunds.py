"""Disputes of payments that are refunded too: their money counts once."""

from decimal import Decimal

import pytest

from billing.models import Notice, NoticeKind
from billing.services.alerts import set_alerts
from invoices.models import Dispute, DisputeStatus, Refund
from invoices.payments import DisputeNews, Progress
from invoices.payments.simulated import NAME
from invoices.services.news import act_on
from tests.invoices.refunding import (
    answer,
    assert_books_agree,
    bank_says,
    bought,
    left,
    paid_twice,
    provider_says_refunded,
    refund,
    send,
)
from tests.make import NOW

pytestmark = pytest.mark.django_db
OPEN, WON, LOST = DisputeStatus.OPEN, DisputeStatus.WON, DisputeStatus.LOST


class TestWithRefunds:
    def test_takes_once_what_a_refund_has_taken(self) -> None:
        invoice = bought(bonus="5", used="10")
        refund(invoice, "20")

        bank_says(invoice, LOST)

        assert left(invoice) == (0, 0, -10)
        assert_books_agree()

    @pytest.mark.parametrize("status", [OPEN, LOST])
    def test_holds_the_credits_of_a_refund_that_fails(
        self, status: DisputeStatus
    ) -> None:
        invoice = bought(bonus="5", used="10")
        ours = refund(invoice, "20")
        bank_says(invoice, status)

        answer(ours, Progress.FAILED)

        assert left(invoice) == (0, 0, 0 if status == OPEN else -10)
        assert Dispute.objects.get().credits == 40
        assert_books_agree()

    def test_that_is_won_returns_what_a_failed_refund_left(self) -> None:
        invoice = bought(bonus="5")
        ours = refund(invoice, "20")
        bank_says(invoice, OPEN)
        answer(ours, Progress.FAILED)

        bank_says(invoice, WON)

        assert left(invoice) == (50, 5, 55)
        assert_books_agree()

    def test_that_is_won_keeps_what_was_refunded_meanwhile(self) -> None:
        invoice = bought()
        bank_says(invoice, OPEN)
        provider_says_refunded(invoice, "20")

        bank_says(invoice, WON)

        assert left(invoice) == (30, 30)
        assert Refund.objects.get().credits == 20
        assert_books_agree()

    def test_that_is_lost_takes_once_what_was_refunded_too(self) -> None:
        invoice = bought(used="40")
        bank_says(invoice, LOST)

        provider_says_refunded(invoice, "50")

        assert left(invoice) == (0, -40)
        assert_books_agree()

    def test_after_a_refund_at_the_provider_takes_only_the_rest(self) -> None:
        invoice = bought(used="40")
        provider_says_refunded(invoice, "30")
        assert left(invoice) == (0, -20)

        bank_says(invoice, LOST)

        assert left(invoice) == (0, -40)
        assert_books_agree()

    def test_of_money_in_excess_takes_nothing(self) -> None:
        ours = paid_twice()
        answer(ours, Progress.FAILED)
        news = DisputeNews(
            provider_reference=ours.payment.provider_reference,
            dispute="dp_1",
            status=LOST,
            amount=ours.amount,
            currency="USD",
        )

        act_on(provider=NAME, news=news, at=NOW)

        assert left(ours.payment.invoice) == (50, 50)
        assert_books_agree()

    def test_two_of_one_payment_take_no_more_than_was_paid(self) -> None:
        invoice = bought(used="40")

        for number in (1, 2):
            bank_says(invoice, LOST, "30", name=f"dp_{number}")

        assert left(invoice) == (0, -40)
        assert_books_agree()

    def test_a_refund_under_way_still_ends(self) -> None:
        invoice = bought()
        ours = refund(invoice, "20")
        bank_says(invoice, OPEN)

        assert send(ours).status == "succeeded"
        assert left(invoice) == (0, 0)
        assert_books_agree()


@pytest.mark.parametrize("amount", ["25", "50"])
def test_frozen_anew_is_told_once(amount: str) -> None:
    invoice = bought()
    set_alerts(customer=invoice.customer, thresholds=[Decimal(30)], at=NOW)
    bank_says(invoice, OPEN, amount)
    told = Notice.objects.get(kind=NoticeKind.LOW_BALANCE)

    provider_says_refunded(invoice, "5")

    assert Notice.objects.get(kind=NoticeKind.LOW_BALANCE) == told
    assert_books_agree()


def test_credits_that_return_arm_an_alert_anew() -> None:
    invoice = bought()
    set_alerts(customer=invoice.customer, thresholds=[Decimal(30)], at=NOW)
    for name in ("dp_1", "dp_2"):
        bank_says(invoice, OPEN, name=name)
        bank_says(invoice, WON, name=name)

    assert Notice.objects.filter(kind=NoticeKind.LOW_BALANCE).count() == 2
