"""What a customer is told of money that went back, and of what that did."""

import pytest

from billing.models import BalanceAlert, Notice, NoticeKind
from invoices.models import DisputeStatus, Invoice
from invoices.payments import Progress
from tests import make
from tests.billing.alerting import alert
from tests.invoices.refunding import (
    answer,
    answering,
    bank_says,
    bought,
    paid_twice,
    provider_says_refunded,
    refund,
    send,
)
from tests.invoices.topping_up import agree, keep_card

pytestmark = pytest.mark.django_db


def returned() -> list[tuple[str, dict[str, object]]]:
    """Return what the notices on money that went back are about, in order."""
    notices = Notice.objects.filter(kind=NoticeKind.CREDITS_RETURNED).order_by("pk")
    return list(notices.values_list("reference", "facts"))


def states() -> list[object]:
    return [(facts["state"], facts["credits"]) for _, facts in returned()]


class TestARefund:
    def test_is_told_once_with_its_credit_note(self) -> None:
        invoice = bought(bonus="5")

        made = send(refund(invoice, "20"))
        send(made)

        assert returned() == [
            (
                f"refund:{made.pk}:succeeded",
                {
                    "money": "20",
                    "credits": "25",
                    "invoice": invoice.number,
                    "credit_note": "CN-2026-000001",
                    "state": "refunded",
                },
            )
        ]

    def test_is_not_told_before_the_money_went_nor_if_it_failed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answering(monkeypatch, Progress.PENDING)
        made = send(refund(bought(), "20"))
        assert returned() == []

        answer(made, Progress.FAILED)

        assert returned() == []

    def test_that_was_made_at_the_provider_is_told_with_what_is_owed(self) -> None:
        provider_says_refunded(bought(used="40"), "50")

        assert states() == [("refunded", "50")]

    def test_of_money_that_was_never_owed_takes_no_credits(self) -> None:
        send(paid_twice())

        assert returned() == []


class TestADispute:
    def test_is_told_when_it_holds_credits_and_when_it_is_won(self) -> None:
        invoice = bought(used="10")

        for status in (DisputeStatus.OPEN, DisputeStatus.OPEN, DisputeStatus.WON):
            dispute = bank_says(invoice, status)

        assert [reference for reference, _ in returned()] == [
            f"dispute:{dispute.pk}:open",
            f"dispute:{dispute.pk}:won",
        ]
        assert states() == [("open", "40"), ("won", "40")]

    def test_that_is_lost_is_told_with_what_is_owed(self) -> None:
        invoice = bought(used="10")
        bank_says(invoice, DisputeStatus.OPEN)

        bank_says(invoice, DisputeStatus.LOST)
        bank_says(invoice, DisputeStatus.WON)

        assert states() == [("open", "40"), ("lost", "50"), ("won", "50")]

    def test_that_holds_nothing_is_not_told(self) -> None:
        bank_says(bought(used="50"), DisputeStatus.OPEN)

        assert returned() == []


class TestLowCredits:
    def low(self, invoice: Invoice) -> list[dict[str, object]]:
        """Return the facts of what an invoice's customer was told of its alerts."""
        kind = NoticeKind.LOW_BALANCE
        notices = Notice.objects.filter(customer=invoice.customer, kind=kind)
        return [notice.facts for notice in notices]

    def test_say_that_a_refund_made_them_low(self) -> None:
        invoice = bought()
        alert(invoice.customer, "40", "30")

        refund(invoice, "25")

        [facts] = self.low(invoice)
        assert facts["thresholds"] == ["40", "30"]
        assert facts["because"] == "credits were refunded"

    def test_say_that_a_dispute_made_them_low(self) -> None:
        invoice = bought()
        alert(invoice.customer, "40")

        bank_says(invoice, DisputeStatus.OPEN)

        [facts] = self.low(invoice)
        assert facts["because"] == "a payment was disputed at the bank"

    @pytest.mark.parametrize("amount", ["5", "50"])
    def test_that_stay_low_are_not_told_anew(self, amount: str) -> None:
        invoice = bought()
        alert(invoice.customer, "40")
        bank_says(invoice, DisputeStatus.OPEN)

        provider_says_refunded(invoice, amount)

        assert len(self.low(invoice)) == 1
        assert BalanceAlert.objects.get().crossings == 1

    def test_are_told_anew_once_a_dispute_was_won_in_between(self) -> None:
        invoice = bought()
        alert(invoice.customer, "40")
        bank_says(invoice, DisputeStatus.OPEN)
        bank_says(invoice, DisputeStatus.WON)

        refund(invoice, "25")

        told = [facts["because"] for facts in self.low(invoice)]
        assert told == [
            "a payment was disputed at the bank",
            "credits were refunded",
        ]

    def test_promise_no_purchase_that_the_refund_has_switched_off(self) -> None:
        invoice = bought()
        agree(invoice.customer, keep_card(invoice.customer), at=make.NOW)
        alert(invoice.customer, "40")

        refund(invoice, "25")

        [facts] = self.low(invoice)
        assert "bought_below" not in facts
