"""Stripe's webhooks: whether they are genuine, and what they say in our words.

An account may serve other purposes too: what was not made by us is no concern of ours.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import stripe

from invoices.models import Payment, PaymentStatus
from invoices.payments import (
    Card,
    ChargeRefunded,
    DisputeNews,
    News,
    PaymentNews,
    Progress,
    RefundNews,
    RefusedError,
    SignedEvent,
    WebhookError,
)
from invoices.payments import stripe_calls as calls
from invoices.payments.standard_webhooks import (
    TOLERANCE,
    ForgedWebhookError,
    StaleWebhookError,
)
from invoices.payments.stripe_amounts import from_units
from invoices.payments.stripe_news import intent_news, refund_news, session_news
from invoices.payments.stripe_objects import (
    PAID,
    Charge,
    DisputeObject,
    Intent,
    Labels,
    RefundObject,
    Session,
    read_as,
)
from ledger.money import MoneyError

_HEADER = "Stripe-Signature"
_LOST = ("checkout.session.async_payment_failed", "checkout.session.expired")
# Amounts are whole numbers; what has a fraction is kept letter for letter.
_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=str)


class UnreadableEventError(WebhookError):
    """The event is genuine, but not one that Stripe sends."""


class _Event(msgspec.Struct):
    id: str
    type: str


def verify(
    *, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, at: datetime
) -> SignedEvent:
    """Check who posted an event, and when, by any of the secrets.

    :raises ForgedWebhookError: if none of them signed it.
    :raises StaleWebhookError: if it was not signed within 300 seconds.
    :raises UnreadableEventError: if it is no event.
    """
    header = headers.get(_HEADER, "")
    if not any(_is_signed(body, header, secret) for secret in secrets):
        raise ForgedWebhookError(header)
    if abs(at - _signed_at(header)) > TOLERANCE:
        raise StaleWebhookError(header)
    try:
        payload = _DECODER.decode(body)
        event = read_as(_Event, payload)
    except msgspec.DecodeError as error:
        raise UnreadableEventError(header) from error
    return SignedEvent(event.id, event.type, payload)


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    # Text outside ASCII cannot be compared in constant time.
    if not header.isascii():
        return False
    try:
        stripe.WebhookSignature.verify_header(body, header, secret)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _signed_at(header: str) -> datetime:
    # As the SDK reads it: what another reading found may not have been signed. The SDK
    # would compare it with the clock, not with the time that is passed down.
    signature = stripe.WebhookSignature
    seconds, _ = signature._get_timestamp_and_signatures(header, "v1")
    return datetime.fromtimestamp(seconds, UTC)


def read(event: SignedEvent) -> News | None:
    """Return what an event says; nothing if it is not about something of ours.

    Stripe is asked for what an event does not hold, such as the card that was kept.

    :raises UnreadableEventError: if it cannot be understood.
    :raises ProviderError: if Stripe does not answer.
    """
    reader = _READERS.get(event.kind)
    if reader is None:
        return None
    try:
        return reader(event.kind, event.payload["data"]["object"])
    except (KeyError, TypeError, msgspec.ValidationError, MoneyError) as error:
        raise UnreadableEventError(event.event_id) from error


def _read_session(kind: str, said: Any) -> PaymentNews | None:
    labels = read_as(Labels, said)
    reference = labels.payment or labels.client_reference_id or ""
    payment = _find(reference=reference)
    if payment is None and not labels.payment:
        return None
    session = read_as(Session, said)
    if kind in _LOST:
        progress = Progress.FAILED
        return session_news(session, reference=reference, progress=progress)
    if session.payment_status != PAID:
        return None
    return session_news(session, reference=reference, card=_card(payment, session))


def _card(payment: Payment | None, session: Session) -> Card | None:
    """Ask for the card that was kept; events do not hold it."""
    is_wanted = payment and payment.saves_method
    if not payment or not is_wanted or payment.status == PaymentStatus.SUCCEEDED:
        return None
    intent = calls.get_session(session.id).intent
    return intent.card if intent else None


def _read_intent(_: str, said: Any) -> PaymentNews | None:
    labels = read_as(Labels, said)
    payment = _find(reference=labels.payment)
    # Of what is paid on a page, the page's events tell the end.
    if not labels.payment or (payment and not payment.method_id):
        return None
    return intent_news(read_as(Intent, said), reference=labels.payment)


def _read_refund(_: str, said: Any) -> RefundNews | None:
    refund = read_as(RefundObject, said)
    return refund_news(refund, reference=refund.refund) if refund.refund else None


def _read_charge(_: str, said: Any) -> ChargeRefunded | None:
    charge = read_as(Charge, said)
    if not charge.payment_intent or not _is_ours(charge.payment_intent):
        return None
    currency = charge.currency.upper()
    return ChargeRefunded(
        provider_reference=charge.payment_intent,
        amount_refunded=from_units(charge.amount_refunded, currency),
        currency=currency,
    )


def _read_dispute(_: str, said: Any) -> DisputeNews | None:
    dispute = read_as(DisputeObject, said)
    intent, status = dispute.payment_intent, dispute.standing
    if not intent or not status or not _is_ours(intent):
        return None
    currency = dispute.currency.upper()
    return DisputeNews(
        provider_reference=intent,
        dispute=dispute.id,
        status=status,
        amount=from_units(dispute.amount, currency),
        currency=currency,
        reason=dispute.reason,
    )


def _find(*, reference: str) -> Payment | None:
    return Payment.objects.filter(provider=calls.NAME, reference=reference).first()


def _is_ours(intent: str) -> bool:
    """Tell a payment of ours, also one whose success was not heard of yet."""
    known = Payment.objects.filter(provider=calls.NAME, provider_reference=intent)
    if known.exists():
        return True
    try:
        return bool(calls.get_intent(intent).payment)
    except RefusedError:
        return False


_READERS: dict[str, Callable[[str, Any], News | None]] = {
    "checkout.session.completed": _read_session,
    "checkout.session.async_payment_succeeded": _read_session,
    **dict.fromkeys(_LOST, _read_session),
    "payment_intent.succeeded": _read_intent,
    "payment_intent.payment_failed": _read_intent,
    "refund.updated": _read_refund,
    "refund.failed": _read_refund,
    "charge.refund.updated": _read_refund,
    "charge.refunded": _read_charge,
    "charge.dispute.created": _read_dispute,
    "charge.dispute.updated": _read_dispute,
    "charge.dispute.funds_withdrawn": _read_dispute,
    "charge.dispute.funds_reinstated": _read_dispute,
    "charge.dispute.closed": _read_dispute,
}
# What the endpoint has to be sent; docs/runbook.md lists them too.
EVENT_TYPES = tuple(_READERS)
