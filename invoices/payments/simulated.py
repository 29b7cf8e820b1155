"""A payment provider for tests and demos: a page with two buttons, and webhooks.

As with a real one, the page credits nothing; the signed webhook does.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlencode

import msgspec
import requests
from django.conf import settings
from django.urls import reverse

from invoices.models import Invoice, Payment
from invoices.payments import FAILED, SUCCEEDED, PaymentEvent, WebhookError
from invoices.payments import standard_webhooks as webhooks

NAME = "simulated"
_TIMEOUT = 15


class Choice(StrEnum):
    """What a person may do on the page."""

    PAY = "pay"
    DECLINE = "decline"


_KINDS = {Choice.PAY: SUCCEEDED, Choice.DECLINE: FAILED}


class UnreadableWebhookError(WebhookError):
    """The body is signed, but not one that this provider sends."""


class _Data(msgspec.Struct):
    reference: str
    amount: Decimal
    currency: str


class _Body(msgspec.Struct):
    type: str
    timestamp: datetime
    data: _Data


class SimulatedProvider:
    """Takes no money."""

    name = NAME

    def start_checkout(
        self,
        *,
        invoice: Invoice,  # noqa: ARG002 - the page finds it by the reference.
        reference: str,
        return_url: str,
    ) -> str:
        page = reverse("simulated-checkout", args=[reference])
        return f"{page}?{urlencode({'return_url': return_url})}"

    def verify(
        self, *, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> PaymentEvent:
        secret = settings.SIMULATED_WEBHOOK_SECRET
        event_id = webhooks.verify(secret=secret, headers=headers, body=body, at=at)
        try:
            read = msgspec.json.decode(body, type=_Body)
        except msgspec.DecodeError as error:
            raise UnreadableWebhookError(event_id) from error
        return PaymentEvent(event_id, read.type, msgspec.to_builtins(read.data))


def deliver(*, reference: str, choice: Choice, at: datetime) -> None:
    """Post the webhook of what a person chose on a checkout's page.

    The same choice has the same id, however often it is delivered.

    :raises requests.RequestException: if it was not taken.
    """
    payment = Payment.objects.get(provider=NAME, reference=reference)
    data = _Data(reference, payment.amount, payment.currency)
    body = msgspec.json.encode(_Body(_KINDS[choice], at, data))
    headers = webhooks.sign(
        secret=settings.SIMULATED_WEBHOOK_SECRET,
        message_id=f"msg_{reference}_{choice}",
        body=body,
        at=at,
    )
    response = requests.post(
        settings.BASE_URL + reverse("webhook", args=[NAME]),
        data=body,
        headers=headers | {"Content-Type": "application/json"},
        timeout=_TIMEOUT,
    )
    response.raise_for_status()
