"""Purchases that were paid at the simulated provider, and what goes back of them."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from django.db.models import F

from billing.models import CreditPack, Customer
from billing.services.events import Status
from config.verification import verify_all
from invoices.models import (
    CreditNote,
    Dispute,
    DisputeStatus,
    Invoice,
    Payment,
    Refund,
    SimulatedPayment,
    SimulatedRefund,
)
from invoices.payments import ChargeRefunded, DisputeNews, Progress, RefundNews
from invoices.payments.simulated import NAME, Choice, SimulatedProvider, choose
from invoices.services.checkout import start_checkout
from invoices.services.news import act_on
from invoices.services.payments import fail_payment, start_payment
from invoices.services.purchases import buy_pack
from invoices.services.refunds import request_refund
from invoices.services.sending import send_refund
from ledger.models import CreditLot, Entry
from tests import make
from tests.make import NOW

CARD = """\
model: credit-token
rates:
  - dimension: input_tokens
    unit: 1 token
    price_usd: 1
"""


def customer(*, credits: str = "0", name: str = "cus_abc123") -> Customer:
    """Make a customer to whom each token costs a credit."""
    plan = make.plan(card=make.rate_card(CARD))
    return make.customer(external_id=name, plan=plan, credits=credits)


def bought(
    price: str = "50",
    *,
    credits: str = "",
    bonus: str = "0",
    used: str = "0",
    by: Customer | None = None,
    days: int | None = None,
) -> Invoice:
    """Buy and pay a pack, and use some of its paid credits."""
    by = by or customer()
    pack = CreditPack.objects.create(
        code=f"pack-{make.unique()}",
        name=f"${price} pack",
        price=Decimal(price),
        credits=Decimal(credits or price),
        bonus_credits=Decimal(bonus),
        validity_days=days,
    )
    invoice = paid(buy_pack(customer=by, pack=pack, at=NOW))
    if Decimal(used):
        use(by, str(Decimal(used) + Decimal(bonus)))
    return invoice


def use(customer: Customer, credits: str, *, at: datetime = NOW) -> str:
    """Record a call that costs that much; returns its key."""
    key = f"req_{make.unique()}"
    event = make.event(
        key,
        customer=customer.external_id,
        model="credit-token",
        input_tokens=Decimal(credits),
        output_tokens=0,
        occurred_at=at,
    )
    [outcome] = make.record(event)
    assert outcome.status == Status.ACCEPTED
    return key


def paid(invoice: Invoice) -> Invoice:
    """Pay an invoice on the provider's page, and hear of it."""
    start_checkout(invoice=invoice, return_url="/", at=NOW)
    payment = invoice.payments.get(status="pending")
    choose(reference=payment.reference, choice=Choice.PAY)
    news = SimulatedProvider().ask(payment=payment, at=NOW)
    act_on(provider=NAME, news=news, at=NOW)
    invoice.refresh_from_db()
    return invoice


def paid_twice() -> Refund:
    """Pay an invoice on two of its provider's pages; returns the refund of one."""
    invoice = buy_pack(customer=make.customer(), pack=make.pack(), at=NOW)
    slow = start_payment(invoice=invoice, at=NOW)
    SimulatedPayment.objects.create(
        reference=slow.reference, amount=slow.amount, currency="USD", is_paid=True
    )
    fail_payment(payment=slow, at=NOW)
    paid(invoice)
    act_on(provider=NAME, news=SimulatedProvider().ask(payment=slow, at=NOW), at=NOW)
    return Refund.objects.get()


def refund(
    invoice: Invoice,
    amount: str | None = None,
    *,
    key: str = "key-1",
    by: str = "ada",
    at: datetime = NOW,
) -> Refund:
    """Ask for a refund, of everything unless told otherwise."""
    return request_refund(
        invoice=invoice,
        amount=None if amount is None else Decimal(amount),
        reason="not needed",
        key=key,
        by=by,
        at=at,
    )


def send(refund: Refund, *, at: datetime = NOW) -> Refund:
    """Ask the provider for a refund's money."""
    send_refund(refund_id=refund.pk, at=at)
    refund.refresh_from_db()
    return refund


def answer(refund: Refund, progress: Progress, failure: str = "") -> Refund:
    """Hear from the provider what became of a refund of ours."""
    if progress is Progress.FAILED:
        come_to_nothing(refund)
    news = RefundNews(reference=refund.reference, progress=progress, failure=failure)
    act_on(provider=NAME, news=news, at=NOW)
    refund.refresh_from_db()
    return refund


def come_to_nothing(refund: Refund) -> None:
    """Let the provider have its money back, which it may have sent."""
    made = SimulatedRefund.objects.filter(reference=refund.reference).first()
    if made:
        payment = SimulatedPayment.objects.filter(pk=made.payment_id)
        payment.update(refunded=F("refunded") - made.amount)
        made.delete()


def provider_says_refunded(invoice: Invoice, amount: str) -> None:
    """Hear from the provider how much of a payment went back in all.

    What it said later holds: its own books know at least as much.
    """
    payment = payment_of(invoice)
    made = SimulatedPayment.objects.filter(reference=payment.reference)
    made.filter(refunded__lt=amount).update(refunded=amount)
    announce_refunded(payment, amount)


def announce_refunded(payment: Payment, amount: str) -> None:
    """Hear of a sum, whatever the provider's books say by now."""
    news = ChargeRefunded(
        provider_reference=payment.provider_reference,
        amount_refunded=Decimal(amount),
        currency="USD",
    )
    act_on(provider=NAME, news=news, at=NOW)


def bank_says(
    invoice: Invoice, status: DisputeStatus, amount: str = "50", name: str = "dp_1"
) -> Dispute:
    """Hear from the payer's bank how a dispute stands."""
    news = DisputeNews(
        provider_reference=payment_of(invoice).provider_reference,
        dispute=name,
        status=status,
        amount=Decimal(amount),
        currency="USD",
    )
    act_on(provider=NAME, news=news, at=NOW)
    return Dispute.objects.get(reference=name)


def payment_of(invoice: Invoice) -> Payment:
    """Return the payment that succeeded first."""
    return invoice.payments.filter(status="succeeded").earliest("pk")


def left(invoice: Invoice) -> tuple[object, ...]:
    """Return what is left of the paid lot, of the bonus if any, and in the wallet."""
    reference = f"invoice:{invoice.number}"
    lots = CreditLot.objects.filter(reference__startswith=reference).order_by("pk")
    invoice.customer.wallet.refresh_from_db()
    return (*(lot.remaining for lot in lots), invoice.customer.wallet.balance)


def moves(subject: Refund | Dispute) -> list[tuple[object, ...]]:
    """Return the entries made for a refund or a dispute, in their order."""
    cause = f"{type(subject).__name__.lower()}:{subject.pk}"
    entries = Entry.objects.filter(cause=cause).order_by("sequence")
    return [make.row(each.kind, each.book, each.amount) for each in entries]


def notes() -> list[tuple[object, ...]]:
    """Return the credit notes, with their totals."""
    found = CreditNote.objects.order_by("pk")
    return [make.row(note.number, note.total) for note in found]


def assert_books_agree() -> None:
    assert [each for each in verify_all() if each.differences] == []


def refunded_at_provider() -> Decimal:
    """Return what the simulated provider's own books gave back of the only payment."""
    return SimulatedPayment.objects.get().refunded


def answering(monkeypatch: pytest.MonkeyPatch, progress: Progress) -> None:
    """Let the provider answer so, where it would have succeeded at once."""
    honest = SimulatedProvider.refund

    def slow(self: SimulatedProvider, *, refund: Refund) -> RefundNews:
        if progress is Progress.FAILED:
            return RefundNews(reference=refund.reference, progress=progress)
        return replace(honest(self, refund=refund), progress=progress)

    monkeypatch.setattr(SimulatedProvider, "refund", slow)
