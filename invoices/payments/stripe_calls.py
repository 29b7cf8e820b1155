"""Asking Stripe, by its own SDK. Nothing here reads the clock or writes a row.

What is made is made by a reference of ours, as its idempotency key. Stripe forgets such
keys after a day, so what moves money unattended is looked for before it is made.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import stripe
from django.conf import settings

from invoices.models import Payment, PaymentMethod, Refund
from invoices.payments import BegunOtherwiseError, ProviderError, RefusedError
from invoices.payments.stripe_amounts import to_units
from invoices.payments.stripe_objects import (
    Charge,
    Charged,
    Declined,
    Intent,
    Labels,
    RefundObject,
    Session,
    read_as,
)

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

NAME = "stripe"
_CONNECT_SECONDS = 5
_RETRIES = 2
# By how much Stripe's clock may be behind ours.
_SKEW_SECONDS = 3600
_MOST_LISTED = 100
_NAME_LENGTH = 250
_FAILURE_LENGTH = 200


def create_session(payment: Payment) -> Session:
    """Make the page of a payment; asked again, say what it was when it was made.

    :raises RefusedError: if there can be no such page.
    :raises BegunOtherwiseError: if it was asked for in other words within a day.
    """
    with _answering():
        made = _v1().checkout.sessions.create(
            _page(payment), {"idempotency_key": payment.reference}
        )
        return read_as(Session, made.to_dict())


def get_session(reference: str) -> Session:
    """Return a page with its payment and the way to pay.

    :raises RefusedError: if there is none.
    """
    with _answering():
        found = _v1().checkout.sessions.retrieve(
            reference, {"expand": ["payment_intent.payment_method"]}
        )
        return read_as(Session, found.to_dict())


def find_session(payment: Payment) -> Session | None:
    """Return the page that a lost answer was about, whatever was asked for.

    Stripe lists pages by their time alone, so all since the payment began are read.
    """
    with _answering():
        listed = _v1().checkout.sessions.list(
            {"created": {"gte": _since(payment)}, "limit": _MOST_LISTED}
        )
        for each in listed.auto_paging_iter():
            if read_as(Labels, each.to_dict()).payment == payment.reference:
                return read_as(Session, each.to_dict())
    return None


def find_intent(payment: Payment) -> Intent | None:
    """Return the charge of a kept card that an earlier, lost answer was about.

    :raises RefusedError: if the customer is unknown to Stripe.
    """
    method = _method_of(payment)
    with _answering():
        listed = _v1().payment_intents.list(
            {
                "customer": method.provider_customer,
                "created": {"gte": _since(payment)},
                "limit": _MOST_LISTED,
            }
        )
        intents = [read_as(Intent, each.to_dict()) for each in listed.data]
    return next((each for each in intents if each.payment == payment.reference), None)


def create_intent(payment: Payment) -> Intent:
    """Charge the kept card of a payment, whose holder is not there.

    :raises RefusedError: if nothing was tried.
    """
    method = _method_of(payment)
    with _answering():
        try:
            made = _v1().payment_intents.create(
                {
                    "amount": to_units(payment.amount, payment.currency),
                    "currency": payment.currency.lower(),
                    "customer": method.provider_customer,
                    "payment_method": method.reference,
                    "off_session": True,
                    "confirm": True,
                    "metadata": _labels(payment),
                },
                {"idempotency_key": payment.reference},
            )
        except stripe.CardError as error:
            return _tried(error)
        return read_as(Intent, made.to_dict())


def get_intent(reference: str) -> Intent:
    """Return a payment.

    :raises RefusedError: if there is none.
    """
    with _answering():
        found = _v1().payment_intents.retrieve(reference)
        return read_as(Intent, found.to_dict())


def get_charge(intent: str) -> Charge:
    """Return what was taken for a payment, with what is given back of it by now.

    :raises RefusedError: if there is no such payment.
    """
    with _answering():
        found = _v1().payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
        return read_as(Charged, found.to_dict()).latest_charge


def cancel_intent(reference: str) -> Intent:
    """See to it that nothing more is taken for a charge; return what became of it."""
    try:
        with _answering():
            _v1().payment_intents.cancel(reference)
    except RefusedError:
        # It came to an end in the meantime.
        pass
    return get_intent(reference)


def find_refund(refund: Refund) -> RefundObject | None:
    """Return the refund that an earlier, lost answer was about."""
    with _answering():
        listed = _v1().refunds.list(
            {
                "payment_intent": refund.payment.provider_reference,
                "limit": _MOST_LISTED,
            }
        )
        refunds = [read_as(RefundObject, each.to_dict()) for each in listed.data]
    return next((each for each in refunds if each.refund == refund.reference), None)


def create_refund(refund: Refund) -> RefundObject:
    """Give money of a payment back.

    :raises RefusedError: if it cannot be, as when it went back already.
    """
    with _answering():
        made = _v1().refunds.create(
            {
                "payment_intent": refund.payment.provider_reference,
                "amount": to_units(refund.amount, refund.currency),
                "reason": "requested_by_customer",
                "metadata": {"refund": refund.reference},
            },
            {"idempotency_key": refund.reference},
        )
        return read_as(RefundObject, made.to_dict())


def get_refund(reference: str) -> RefundObject:
    """Return a refund."""
    with _answering():
        return read_as(RefundObject, _v1().refunds.retrieve(reference).to_dict())


def _page(payment: Payment) -> "SessionCreateParams":
    """Return what is to be on the page of a payment."""
    page: SessionCreateParams = {
        "mode": "payment",
        "client_reference_id": payment.reference,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": payment.currency.lower(),
                    "unit_amount": to_units(payment.amount, payment.currency),
                    "product_data": {"name": _name(payment)},
                },
            }
        ],
        # What is paid is the invoice's amount, in its currency, to the cent.
        "adaptive_pricing": {"enabled": False},
        "metadata": _labels(payment),
        "payment_intent_data": {"metadata": _labels(payment)},
        "success_url": payment.return_url,
        "cancel_url": payment.return_url,
    }
    known = _find_customer(payment)
    if known:
        page["customer"] = known
    else:
        page["customer_email"] = payment.invoice.customer.email
    if payment.saves_method:
        page["payment_intent_data"]["setup_future_usage"] = "off_session"
        if not known:
            page["customer_creation"] = "always"
    return page


def _name(payment: Payment) -> str:
    lines = payment.invoice.lines.values_list("description", flat=True)[:2]
    name = lines[0] if len(lines) == 1 else f"Invoice {payment.invoice.number}"
    return name[:_NAME_LENGTH]


def _labels(payment: Payment) -> dict[str, str]:
    return {"payment": payment.reference, "invoice": str(payment.invoice)}


def _find_customer(payment: Payment) -> str:
    """Return what Stripe calls the customer, if a card is kept."""
    kept = PaymentMethod.objects.filter(
        customer=payment.invoice.customer_id, provider=NAME, removed_at=None
    ).order_by("-pk")
    return kept.values_list("provider_customer", flat=True).first() or ""


def _since(payment: Payment) -> int:
    return int(payment.started_at.timestamp()) - _SKEW_SECONDS


def _tried(error: stripe.CardError) -> Intent:
    """Return the charge that a card's bank declined; it was made all the same.

    :raises RefusedError: if it was not.
    """
    declined = read_as(Declined, error.json_body).error
    if declined.payment_intent is None:
        raise RefusedError(declined.reason) from error
    return declined.payment_intent


def _method_of(payment: Payment) -> PaymentMethod:
    assert payment.method  # noqa: S101 - what is charged unattended has one.
    return payment.method


def _v1() -> stripe.V1Services:
    return _client(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_API_BASE,
        settings.STRIPE_TIMEOUT_SECONDS,
    ).v1


# Kept, so that its connections are.
@lru_cache
def _client(key: str, base: str, seconds: int) -> stripe.StripeClient:
    # It would leave a file in a home that the server may not have.
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        key,
        base_addresses={"api": base},
        http_client=stripe.RequestsClient(timeout=(_CONNECT_SECONDS, seconds)),
        max_network_retries=_RETRIES,
    )


@contextmanager
def _answering() -> Iterator[None]:
    """Say in our words what the SDK raises."""
    try:
        yield
    except stripe.IdempotencyError as error:
        raise BegunOtherwiseError(str(error)) from error
    except stripe.InvalidRequestError as error:
        reason = error.code or error.user_message or "refused"
        raise RefusedError(reason[:_FAILURE_LENGTH]) from error
    except (stripe.StripeError, msgspec.ValidationError) as error:
        raise ProviderError(str(error)) from error
