"""Any history of a customer's credits agrees with a bookkeeper's, step by step.

`make soak` runs it at length.
"""

import os
import random
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from math import floor

import pytest
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
    run_state_machine_as_test,
)

from invoices.models import DisputeStatus, Payment, Refund, SimulatedPayment
from invoices.payments import ChargeRefunded, DisputeNews, Progress, RefundNews
from invoices.payments.simulated import NAME, SimulatedProvider
from invoices.queries.refunds import quote_refund
from invoices.services.news import act_on
from invoices.services.refunds import request_refund
from invoices.services.sending import send_refund
from ledger.money import ZERO
from tests import make
from tests.invoices.refunding import come_to_nothing
from tests.stories.credit_machine import CreditMachine, decimal, places
from tests.stories.credit_model import Purchase

EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "200"))
STEPS = 50
# What becomes of a refund, step by step.
ENDS = (
    "sent",
    "failed",
    "sent, announced",
    "sent, failed",
    "sent, announced, failed",
    "sent, failed, announced late",
    "sent, announced, succeeded, failed",
)
# On as many cores as there are.
PARTS = 4


class RefundMachine(CreditMachine):
    """Refunds and disputes what the other machine buys, too."""

    @precondition(lambda self: self.purchases)
    @rule(place=places, percent=st.integers(1, 100), end=st.sampled_from(ENDS))
    def refund(self, place: int, percent: int, end: str) -> None:
        payment, purchase = self._purchase(place)
        most = self.book.refundable(purchase, self.now)
        money = Fraction(floor(most * percent), 100)
        quote = quote_refund(invoice=payment.invoice, at=self.now)
        assert Fraction(quote.money) == most
        if not money:
            return
        refund = request_refund(
            invoice=payment.invoice,
            amount=decimal(money),
            reason="unused",
            key=f"key_{make.unique()}",
            by="ada",
            at=self.now,
        )
        parts = self.book.refund(purchase, money, self.now)
        self._see_through(refund, end)
        if "failed" in end:
            self.book.fail_refund(purchase, money, parts)

    @precondition(lambda self: self.purchases)
    @rule(place=places, money=st.integers(1, 10))
    def refund_at_the_provider(self, place: int, money: int) -> None:
        payment, purchase = self._purchase(place)
        if purchase.dispute or purchase.refunded + money > purchase.price:
            return
        made = SimulatedPayment.objects.filter(reference=payment.reference)
        made.update(refunded=F("refunded") + money)
        # More than once, as webhooks come.
        for _ in range(2):
            self._announce(payment)
        self.book.refund_elsewhere(purchase, Fraction(money))

    @precondition(lambda self: self.purchases)
    @rule(place=places)
    def dispute(self, place: int) -> None:
        payment, purchase = self._purchase(place)
        if purchase.dispute:
            return
        self._tell(payment, DisputeStatus.OPEN)
        self._tell(payment, DisputeStatus.OPEN)
        self.book.freeze(purchase)
        purchase.dispute = "open"

    @precondition(lambda self: self.purchases)
    @rule(place=places, is_won=st.booleans())
    def decide_the_dispute(self, place: int, is_won: bool) -> None:
        payment, purchase = self._purchase(place)
        may_be = ("open", "lost") if is_won else ("open",)
        if purchase.dispute not in may_be:
            return
        decided = DisputeStatus.WON if is_won else DisputeStatus.LOST
        self._tell(payment, decided)
        self._tell(payment, decided)
        (self.book.win if is_won else self.book.lose)(purchase)
        purchase.dispute = decided

    def _see_through(self, refund: Refund, end: str) -> None:
        steps: dict[str, Callable[[], object]] = {
            "sent": partial(self._begin, refund),
            "announced": partial(self._announce, refund.payment),
            "announced late": partial(self._announce, refund.payment, refund.amount),
            "succeeded": partial(self._hear, refund, Progress.SUCCEEDED),
            "failed": partial(self._fail, refund),
        }
        for step in end.split(", "):
            steps[step]()
        for _ in range(2):
            send_refund(refund_id=refund.pk, at=self.now)

    def _begin(self, refund: Refund) -> None:
        SimulatedProvider().refund(refund=refund)
        self._hear(refund, Progress.PENDING)

    def _fail(self, refund: Refund) -> None:
        come_to_nothing(refund)
        self._hear(refund, Progress.FAILED)

    def _hear(self, refund: Refund, progress: Progress) -> None:
        news = RefundNews(reference=refund.reference, progress=progress)
        act_on(provider=NAME, news=news, at=self.now)

    def _announce(self, payment: Payment, plus: Decimal = ZERO) -> None:
        made = SimulatedPayment.objects.get(reference=payment.reference)
        news = ChargeRefunded(
            provider_reference=payment.reference,
            amount_refunded=made.refunded + plus,
            currency="USD",
        )
        act_on(provider=NAME, news=news, at=self.now)

    def _purchase(self, place: int) -> tuple[Payment, Purchase]:
        return self.purchases[place % len(self.purchases)]

    def _tell(self, payment: Payment, status: DisputeStatus) -> None:
        news = DisputeNews(
            provider_reference=payment.reference,
            dispute=f"dp_{payment.reference}",
            status=status,
            amount=payment.amount,
            currency=payment.currency,
        )
        act_on(provider=payment.provider, news=news, at=self.now)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS))
def test_any_history_agrees_with_a_bookkeeper(part: int) -> None:
    # Every test begins with the same seed: the parts would be the same histories.
    random.seed(f"{random.random()} {part}")  # noqa: S311 - nothing secret.
    unhurried = settings(
        max_examples=EXAMPLES // PARTS,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    before = CreditMachine.verified

    run_state_machine_as_test(RefundMachine, settings=unhurried)

    assert CreditMachine.verified - before >= EXAMPLES // PARTS
