"""What the demo's customers bought, were given, had refunded, and want bought."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from billing.models import CreditPack, Customer
from billing.services.alerts import set_alerts
from billing.services.grants import give_credits
from config.demo.traffic import CHAT, SOLO
from invoices.models import AutoTopUp, Invoice, Payment, PaymentMethod
from invoices.payments.simulated import Choice, choose
from invoices.services.asking import settle_payment
from invoices.services.checkout import start_checkout
from invoices.services.purchases import buy_pack
from invoices.services.refunds import request_refund
from invoices.services.sending import send_refund
from invoices.services.top_ups import set_auto_top_up
from ledger.models import Source

_ACTOR = "demo"
_BONUSES = {50: 0, 200: 10, 500: 50}


def give_all_credits(*, start: datetime) -> None:
    """Sell and give credits as if it were `start`, a moment before the traffic."""
    packs = _make_packs()
    chat = Customer.objects.get(external_id=CHAT)
    solo = Customer.objects.get(external_id=SOLO)
    for price in (50, 200):
        _buy(chat, packs[price], start)
    _give(chat, "welcome", 5, start - timedelta(days=30), days=27)
    _give(solo, "launch", 25, start, days=90)
    _refund(_buy(solo, packs[50], start), start)


@transaction.atomic
def watch_credits(*, at: datetime) -> None:
    """Set alerts and auto top-up, once all of the traffic is there.

    So that only what visitors do is mailed. What they have changed since is kept.
    """
    chat = Customer.objects.get(external_id=CHAT)
    if AutoTopUp.objects.filter(customer=chat).exists():
        return
    # The traffic leaves $143.82.
    set_alerts(customer=chat, thresholds=[Decimal(140), Decimal(50)], at=at)
    set_auto_top_up(
        customer=chat,
        threshold=Decimal(20),
        amount=Decimal(100),
        monthly_maximum=Decimal(500),
        method=PaymentMethod.objects.get(customer=chat),
        by=_ACTOR,
        at=at,
    )


def _make_packs() -> dict[int, CreditPack]:
    return {
        price: CreditPack.objects.create(
            code=f"credits-{price}",
            name=f"${price} credit pack",
            price=Decimal(price),
            credits=Decimal(price),
            bonus_credits=Decimal(bonus),
            validity_days=365,
        )
        for price, bonus in _BONUSES.items()
    }


def _buy(customer: Customer, pack: CreditPack, at: datetime) -> Invoice:
    """Buy a pack at the simulated provider, which keeps the card."""
    invoice = buy_pack(customer=customer, pack=pack, at=at)
    start_checkout(invoice=invoice, return_url="/portal/", saves_method=True, at=at)
    payment = Payment.objects.get(invoice=invoice)
    choose(reference=payment.reference, choice=Choice.PAY)
    settle_payment(payment_id=payment.pk, at=at)
    return invoice


def _give(
    customer: Customer, name: str, amount: int, at: datetime, *, days: int
) -> None:
    """Give a promotion; the welcome nobody used in time, so that the sweep takes it."""
    give_credits(
        customer=customer,
        source=Source.PROMOTION,
        amount=Decimal(amount),
        reference=f"promotion:{name}",
        actor=_ACTOR,
        at=at,
        expires_at=at + timedelta(days=days),
    )


def _refund(invoice: Invoice, at: datetime) -> None:
    invoice.refresh_from_db()
    refund = request_refund(
        invoice=invoice,
        amount=Decimal(30),
        reason="bought more than needed",
        key="demo",
        by=_ACTOR,
        at=at,
    )
    send_refund(refund_id=refund.pk, at=at)
