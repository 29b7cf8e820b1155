"""Customers with a kept card and an auto top-up."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from billing.models import Customer, Notice, NoticeKind
from invoices.models import AutoTopUp, Payment, PaymentMethod
from invoices.payments import Card
from invoices.payments.simulated import DemoCard
from invoices.services.asking import settle_payment
from invoices.services.payments import mark_paid, start_payment
from invoices.services.purchases import buy_credits
from invoices.services.top_up_runs import start_top_up
from invoices.services.top_ups import set_auto_top_up
from tests import make

NOW = make.NOW
HOUR = timedelta(hours=1)
DECLINED = DemoCard.DECLINED_LATER


def keep_card(
    customer: Customer, card: DemoCard = DemoCard.WORKS, *, at: datetime = NOW
) -> PaymentMethod:
    """Let a customer buy 5 credits with a card that is kept."""
    invoice = buy_credits(customer=customer, amount=Decimal(5), at=at)
    payment = start_payment(invoice=invoice, saves_method=True, at=at)
    mark_paid(
        invoice=invoice,
        reference=payment.reference,
        amount=Decimal(5),
        currency="USD",
        provider_reference=payment.reference,
        card=Card("simulated", card, f"Test card ending in {card}"),
        at=at,
    )
    return PaymentMethod.objects.get(customer=customer, reference=card)


def agree(
    customer: Customer,
    method: PaymentMethod,
    *,
    threshold: str = "8",
    amount: str = "20",
    monthly_maximum: str = "60",
    at: datetime = NOW,
) -> AutoTopUp:
    """Buy 20 credits below 8, and at most 60 in a month, unless told otherwise."""
    return set_auto_top_up(
        customer=customer,
        threshold=Decimal(threshold),
        amount=Decimal(amount),
        monthly_maximum=Decimal(monthly_maximum),
        method=method,
        by="ada",
        at=at,
    )


def topped_up(
    card: DemoCard = DemoCard.WORKS, *, external_id: str = "cus_abc123", **terms: Any
) -> Customer:
    """Make a customer with 10 credits and an auto top-up."""
    customer = make.customer(external_id=external_id, credits="5")
    agree(customer, keep_card(customer, card), **terms)
    return customer


def overdraw(credits: int) -> None:
    """Spend that many credits, of ten or so that there are, in one call."""
    tokens = credits * 250_000 // 3
    make.record(make.event("deep", input_tokens=0, output_tokens=tokens))


def run(customer: Customer, *, at: datetime = NOW) -> Payment | None:
    """Do what the task does: begin the purchase, and charge the card."""
    payment = start_top_up(customer_id=customer.pk, at=at)
    if payment:
        settle_payment(payment_id=payment.pk, at=at)
        payment.refresh_from_db()
    return payment


def notices(customer: Customer) -> QuerySet[Notice]:
    """Return what a customer was told in order, but for the terms it agreed to."""
    told = Notice.objects.filter(customer=customer).order_by("pk")
    return told.exclude(kind=NoticeKind.TOP_UP_CHANGED)


def noticed(customer: Customer) -> list[NoticeKind]:
    """Return the kinds of what a customer was told, in order."""
    kinds = notices(customer)
    return [NoticeKind(kind) for kind in kinds.values_list("kind", flat=True)]


def balance(customer: Customer) -> Decimal:
    """Return a customer's book balance."""
    customer.wallet.refresh_from_db()
    return customer.wallet.balance
