"""A payment provider for tests and demos: a page with buttons, and signed webhooks.

As with a real one, the page credits nothing; the signed webhook does. It keeps books of
its own, and knows what we may have missed.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlencode

import msgspec
import requests
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from invoices.models import (
    DisputeStatus,
    Payment,
    Refund,
    SimulatedPayment,
    SimulatedRefund,
)
from invoices.payments import (
    Card,
    ChargeRefunded,
    Checkout,
    DisputeNews,
    News,
    PaymentNews,
    Progress,
    RefundNews,
    SignedEvent,
    WebhookError,
)
from invoices.payments import standard_webhooks as webhooks
from ledger.money import smallest_coin

NAME = "simulated"
# As long as Stripe leaves a page open.
PAGE_LASTS = timedelta(hours=24)
_TIMEOUT = 15


class DemoCard(StrEnum):
    """The cards that can be paid with; named after the end of Stripe's test cards."""

    WORKS = "4242"
    # It pays on the page; later, when nobody is there, it is declined.
    DECLINED_LATER = "0341"


class Choice(StrEnum):
    """What a person may do on the page, and what the payer's bank may do later."""

    PAY = "pay"
    DECLINE = "decline"
    DISPUTE = "dispute"
    WIN = "win"
    LOSE = "lose"


_PAYMENTS = {
    "payment.succeeded": Progress.SUCCEEDED,
    "payment.failed": Progress.FAILED,
}
_DISPUTES = {
    "dispute.opened": DisputeStatus.OPEN,
    "dispute.won": DisputeStatus.WON,
    "dispute.lost": DisputeStatus.LOST,
}
_KINDS = {
    Choice.PAY: "payment.succeeded",
    Choice.DECLINE: "payment.failed",
    Choice.DISPUTE: "dispute.opened",
    Choice.WIN: "dispute.won",
    Choice.LOSE: "dispute.lost",
}
_REFUNDED = "charge.refunded"


class UnreadableWebhookError(WebhookError):
    """The body is signed, but not one that this provider sends."""


class _Data(msgspec.Struct, omit_defaults=True):
    reference: str
    amount: Decimal
    currency: str
    card: str = ""


class _Body(msgspec.Struct):
    type: str
    timestamp: datetime
    data: _Data


class SimulatedProvider:
    """Takes no money."""

    name = NAME

    def payable_step(self, *, currency: str) -> Decimal:
        return smallest_coin(currency)

    def start_checkout(self, *, payment: Payment) -> Checkout:
        begun = _begin(payment)
        page = reverse("simulated-checkout", args=[begun.reference])
        query = urlencode({"return_url": payment.return_url})
        return Checkout(f"{page}?{query}", begun.reference)

    def charge(self, *, payment: Payment) -> PaymentNews:
        _begin(payment)
        assert payment.method  # noqa: S101 - what is charged unattended has one.
        card = DemoCard(payment.method.reference)
        choice = Choice.PAY if card is DemoCard.WORKS else Choice.DECLINE
        return _news(choose(reference=payment.reference, choice=choice, card=card))

    def ask(self, *, payment: Payment, at: datetime) -> PaymentNews:
        begun = _begin(payment)
        if begun.is_paid is None and at - payment.started_at > PAGE_LASTS:
            begun = choose(reference=begun.reference, choice=Choice.DECLINE)
        return _news(begun)

    def refund(self, *, refund: Refund) -> RefundNews:
        made = _refund(refund)
        return RefundNews(
            reference=refund.reference,
            progress=Progress.SUCCEEDED if made else Progress.FAILED,
            provider_reference=f"re_{refund.reference}" if made else "",
            failure="" if made else "more than is left of the payment",
        )

    def refunded(self, *, payment: Payment) -> Decimal:
        return _begin(payment).refunded

    def verify(
        self, *, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> SignedEvent:
        secret = settings.SIMULATED_WEBHOOK_SECRET
        event_id = webhooks.verify(secret=secret, headers=headers, body=body, at=at)
        try:
            read = msgspec.json.decode(body, type=_Body)
        except msgspec.DecodeError as error:
            raise UnreadableWebhookError(event_id) from error
        return SignedEvent(event_id, read.type, msgspec.to_builtins(read.data))

    def read(self, event: SignedEvent) -> News | None:
        data = msgspec.convert(event.payload, _Data, strict=False)
        if event.kind in _PAYMENTS:
            return PaymentNews(
                reference=data.reference,
                progress=_PAYMENTS[event.kind],
                amount=data.amount,
                currency=data.currency,
                provider_reference=data.reference,
                card=_card(data.card),
                failure="" if _PAYMENTS[event.kind] != Progress.FAILED else "declined",
            )
        if event.kind in _DISPUTES:
            return DisputeNews(
                provider_reference=data.reference,
                dispute=f"dp_{data.reference}",
                status=_DISPUTES[event.kind],
                amount=data.amount,
                currency=data.currency,
            )
        if event.kind == _REFUNDED:
            return ChargeRefunded(
                provider_reference=data.reference,
                amount_refunded=data.amount,
                currency=data.currency,
            )
        return None


@transaction.atomic
def choose(
    *, reference: str, choice: Choice, card: DemoCard = DemoCard.WORKS
) -> SimulatedPayment:
    """Write down what was chosen on a page; the first choice stands.

    :raises SimulatedPayment.DoesNotExist: if no page has this reference.
    """
    locked = SimulatedPayment.objects.select_for_update().get(reference=reference)
    if locked.is_paid is None and choice in (Choice.PAY, Choice.DECLINE):
        locked.is_paid = choice is Choice.PAY
        locked.card = card if locked.is_paid else ""
        locked.failure = "" if locked.is_paid else "declined"
        locked.save(update_fields=["is_paid", "card", "failure"])
    return locked


def deliver(*, reference: str, choice: Choice, at: datetime) -> None:
    """Post the webhook of what a person chose on a checkout's page.

    The same choice has the same id, however often it is delivered.

    :raises requests.RequestException: if it was not taken.
    """
    payment = SimulatedPayment.objects.get(reference=reference)
    if choice in (Choice.PAY, Choice.DECLINE):
        # The first choice stands, whatever button was pressed since.
        choice = Choice.PAY if payment.is_paid else Choice.DECLINE
    data = _Data(reference, payment.amount, payment.currency, payment.card)
    _post(f"msg_{reference}_{choice}", _Body(_KINDS[choice], at, data), at)


def _post(message_id: str, content: _Body, at: datetime) -> None:
    body = msgspec.json.encode(content)
    headers = webhooks.sign(
        secret=settings.SIMULATED_WEBHOOK_SECRET,
        message_id=message_id,
        body=body,
        at=at,
    )
    response = requests.post(
        settings.BASE_URL.rstrip("/") + reverse("webhook", args=[NAME]),
        data=body,
        headers=headers | {"Content-Type": "application/json"},
        timeout=_TIMEOUT,
    )
    response.raise_for_status()


def _begin(payment: Payment) -> SimulatedPayment:
    begun, _ = SimulatedPayment.objects.get_or_create(
        reference=payment.reference,
        defaults={"amount": payment.amount, "currency": payment.currency},
    )
    return begun


@transaction.atomic
def _refund(refund: Refund) -> SimulatedRefund | None:
    payments = SimulatedPayment.objects.select_for_update()
    locked = payments.get(reference=refund.payment.reference)
    made = SimulatedRefund.objects.filter(reference=refund.reference).first()
    if made or locked.refunded + refund.amount > locked.amount:
        return made
    locked.refunded += refund.amount
    locked.save(update_fields=["refunded"])
    return SimulatedRefund.objects.create(
        payment=locked, reference=refund.reference, amount=refund.amount
    )


def _news(payment: SimulatedPayment) -> PaymentNews:
    progress = {
        None: Progress.PENDING,
        True: Progress.SUCCEEDED,
        False: Progress.FAILED,
    }
    return PaymentNews(
        reference=payment.reference,
        progress=progress[payment.is_paid],
        amount=payment.amount,
        currency=payment.currency,
        provider_reference=payment.reference,
        card=_card(payment.card),
        failure=payment.failure,
    )


def _card(number: str) -> Card | None:
    if not number:
        return None
    return Card("simulated", number, f"Test card ending in {number}")
