"""Payments by Stripe: its pages, its kept cards, its refunds and its webhooks.

As with every provider, a page credits nothing; signed events and answers do.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from invoices.models import Payment, Refund
from invoices.payments import (
    BegunOtherwiseError,
    Checkout,
    News,
    PaymentNews,
    Progress,
    RefundNews,
    RefusedError,
    SignedEvent,
)
from invoices.payments import stripe_calls as calls
from invoices.payments import stripe_events as events
from invoices.payments.stripe_amounts import (
    UnpayableAmountError,
    from_units,
    payable_step,
)
from invoices.payments.stripe_news import intent_news, refund_news, session_news

# How long a page can be paid on, unless it was asked for otherwise.
PAGE_LASTS = timedelta(hours=24)
# What will not be otherwise, however often it is asked for.
_HOPELESS = (RefusedError, UnpayableAmountError)


class StripeProvider:
    """Takes money, in one account at Stripe."""

    name = calls.NAME

    def payable_step(self, *, currency: str) -> Decimal:
        return payable_step(currency)

    def start_checkout(self, *, payment: Payment) -> Checkout:
        known = payment.checkout_reference
        session = calls.get_session(known) if known else calls.create_session(payment)
        # A page that was paid on, or has expired, has no address any more.
        return Checkout(session.url or payment.return_url, session.id)

    def charge(self, *, payment: Payment) -> PaymentNews:
        try:
            intent = calls.find_intent(payment) or calls.create_intent(payment)
        except _HOPELESS as error:
            return _failed(payment, error)
        failure = intent.failure
        if intent.waits_for_somebody:
            intent = calls.cancel_intent(intent.id)
        return intent_news(intent, reference=payment.reference, failure=failure)

    def ask(self, *, payment: Payment, at: datetime) -> PaymentNews:
        is_over = at - payment.started_at > PAGE_LASTS
        try:
            known = payment.checkout_reference or _find_page(payment, is_over)
            if not known:
                return _not_made(payment, is_over)
            session = calls.get_session(known)
        except _HOPELESS as error:
            return _failed(payment, error)
        card = session.intent.card if session.intent and payment.saves_method else None
        return session_news(session, reference=payment.reference, card=card)

    def refund(self, *, refund: Refund) -> RefundNews:
        known = refund.provider_reference
        made = calls.get_refund(known) if known else calls.find_refund(refund)
        try:
            made = made or calls.create_refund(refund)
        except _HOPELESS as error:
            return RefundNews(
                reference=refund.reference,
                progress=Progress.FAILED,
                failure=str(error),
            )
        return refund_news(made, reference=refund.reference)

    def refunded(self, *, payment: Payment) -> Decimal:
        charge = calls.get_charge(payment.provider_reference)
        return from_units(charge.amount_refunded, charge.currency.upper())

    def verify(
        self, *, headers: Mapping[str, str], body: bytes, at: datetime
    ) -> SignedEvent:
        secrets = settings.STRIPE_WEBHOOK_SECRETS
        return events.verify(secrets=secrets, headers=headers, body=body, at=at)

    def read(self, event: SignedEvent) -> News | None:
        return events.read(event)


def _find_page(payment: Payment, is_over: bool) -> str:
    """Return what Stripe calls the page that a lost answer was about, if it made one.

    Made again, it is that page, unless its key is forgotten or was for other words.
    """
    if not is_over:
        try:
            return calls.create_session(payment).id
        except BegunOtherwiseError:
            pass
    found = calls.find_session(payment)
    return found.id if found else ""


def _not_made(payment: Payment, is_over: bool) -> PaymentNews:
    """Say that there is no page; there may be one yet while its day lasts."""
    progress = Progress.FAILED if is_over else Progress.PENDING
    return _news(payment, progress, "expired" if is_over else "")


def _failed(payment: Payment, error: Exception) -> PaymentNews:
    return _news(payment, Progress.FAILED, str(error))


def _news(payment: Payment, progress: Progress, failure: str) -> PaymentNews:
    return PaymentNews(
        reference=payment.reference,
        progress=progress,
        amount=payment.amount,
        currency=payment.currency,
        failure=failure,
    )
