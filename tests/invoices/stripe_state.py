"""Payments that are under way at Stripe, and events that are posted to us."""

from datetime import datetime

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from billing.models import Customer
from invoices.models import Payment, PaymentMethod
from invoices.payments import Card, News, SignedEvent
from invoices.payments.stripe import StripeProvider
from invoices.services.checkout import start_checkout
from invoices.services.payments import mark_paid, start_payment
from invoices.services.purchases import buy_pack
from tests import make
from tests.invoices.stripe_fake import Object
from tests.invoices.stripe_server import SECRET, encode, event_of, sign
from tests.raw import tampering

RETURN_URL = "https://billing.example.com/portal/invoices/INV-2026-000001/"


def begin(
    *, price: str = "50", saves_method: bool = False, customer: Customer | None = None
) -> Payment:
    """Order a pack and begin to pay for it; Stripe is not asked yet."""
    buyer = customer or make.customer()
    invoice = buy_pack(customer=buyer, pack=make.pack(price=price), at=make.NOW)
    return start_payment(
        invoice=invoice,
        return_url=RETURN_URL,
        saves_method=saves_method,
        at=make.NOW,
    )


def call(payment: Payment, reference: str) -> None:
    """Give a payment the reference of one that was captured."""
    with tampering("invoices_payment"):
        Payment.objects.filter(pk=payment.pk).update(reference=reference)


def open_page(*, saves_method: bool = False) -> Payment:
    """Order a pack and go as far as its page, which is `cs_test_1`."""
    payment = begin(saves_method=saves_method)
    start_checkout(
        invoice=payment.invoice,
        return_url=RETURN_URL,
        saves_method=saves_method,
        at=make.NOW,
    )
    payment.refresh_from_db()
    return payment


def keep_card(customer: Customer, *, stripe_customer: str = "cus_1") -> PaymentMethod:
    """Pay for a pack with a card that is kept."""
    paid = begin(saves_method=True, customer=customer)
    mark_paid(
        invoice=paid.invoice,
        reference=paid.reference,
        amount=paid.amount,
        currency="USD",
        provider_reference="pi_kept",
        card=Card(stripe_customer, "pm_1", "Visa ending in 4242"),
        at=make.NOW,
    )
    return PaymentMethod.objects.get()


def begin_unattended(*, stripe_customer: str = "cus_1") -> Payment:
    """Order a pack that the kept card of its customer is to pay for."""
    customer = make.customer()
    method = keep_card(customer, stripe_customer=stripe_customer)
    invoice = buy_pack(customer=customer, pack=make.pack(price="20"), at=make.NOW)
    return start_payment(invoice=invoice, method=method, at=make.NOW)


def read(kind: str, said: Object) -> News | None:
    """Return what an event about one of Stripe's objects says in our words."""
    event = event_of(kind, said)
    return StripeProvider().read(SignedEvent(event["id"], kind, event))


def post(
    kind: str,
    said: Object,
    *,
    event_id: str = "",
    at: datetime | None = None,
    secret: str = SECRET,
) -> HttpResponse:
    """Post an event as Stripe does: signed, and without any cookie."""
    return post_body(encode(event_of(kind, said, event_id=event_id)), at, secret)


def post_body(
    body: bytes, at: datetime | None = None, secret: str = SECRET
) -> HttpResponse:
    """Post the bytes of an event, signed."""
    headers = sign(body, at=at or timezone.now(), secret=secret)
    client = Client(enforce_csrf_checks=True)
    response = client.post(
        "/webhooks/stripe/", body, "application/json", headers=headers
    )
    assert isinstance(response, HttpResponse)
    return response
