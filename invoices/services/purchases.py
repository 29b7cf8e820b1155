"""Buying credit packs, paying for invoices, and getting what was paid for."""

import logging
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.crypto import get_random_string

from billing.models import CreditPack, Customer
from billing.services.grants import grant_pack
from invoices.models import (
    Invoice,
    InvoiceLine,
    Kind,
    LineKind,
    Payment,
    PaymentStatus,
    Status,
)
from invoices.services.issuing import issue
from invoices.services.settlement import usage_due
from ledger.money import round_to_currency
from ledger.posting import lock_wallets
from ledger.services import settle_receivable

ACTOR = "payment"

logger = logging.getLogger(__name__)


class PackNotForSaleError(Exception):
    """The pack is no longer sold, or not in the currency of the customer's wallet."""


@transaction.atomic
def buy_pack(*, customer: Customer, pack: CreditPack, at: datetime) -> Invoice:
    """Make the open invoice of a credit pack; paying it grants the credits.

    :raises PackNotForSaleError: if the customer cannot buy this pack.
    """
    if not pack.is_active or pack.currency != customer.wallet.currency:
        raise PackNotForSaleError(pack.code)
    price = round_to_currency(pack.price, pack.currency)
    invoice = Invoice.objects.create(
        customer=customer,
        kind=Kind.PURCHASE,
        pack=pack,
        currency=pack.currency,
        total=price,
        amount_due=price,
        drafted_at=at,
    )
    InvoiceLine.objects.create(
        invoice=invoice,
        position=1,
        kind=LineKind.PACK,
        description=pack.name,
        exact_amount=pack.price,
        amount=price,
    )
    issue(invoice, at=at)
    return invoice


class NotOpenError(Exception):
    """The invoice is a draft, paid or void, so it cannot be paid."""


@transaction.atomic
def start_payment(*, invoice: Invoice, at: datetime) -> Payment:
    """Begin to pay what is due; an attempt that is under way is taken up again.

    :raises NotOpenError: if there is nothing to pay.
    """
    locked = Invoice.objects.select_for_update().get(pk=invoice.pk)
    if locked.status != Status.OPEN:
        raise NotOpenError(str(locked))
    # One attempt at a time, or the customer could pay twice on two pages.
    payment, _ = Payment.objects.get_or_create(
        invoice=locked,
        provider=settings.PAYMENT_PROVIDER,
        status=PaymentStatus.PENDING,
        defaults={
            "reference": get_random_string(32),
            "currency": locked.currency,
            "amount": locked.amount_due,
            "started_at": at,
        },
    )
    return payment


class PaymentRefusedError(Exception):
    """Money was announced that must not be credited."""


class UnknownPaymentError(PaymentRefusedError):
    """No payment of this reference was started for the invoice."""


class PaymentMismatchError(PaymentRefusedError):
    """The amount or its currency is not what was asked for."""


class VoidInvoiceError(PaymentRefusedError):
    """The invoice was voided while its payment was under way."""


@transaction.atomic
def mark_paid(
    *, invoice: Invoice, reference: str, amount: Decimal, currency: str, at: datetime
) -> Invoice:
    """Note that a payment succeeded, and give what was paid for, once.

    A pack is granted; usage that was billed is lifted from the wallet's overdraft.
    Marking a paid invoice again changes nothing; another payment of it is kept, and
    logged as an error, since its money has to be given back.

    :raises UnknownPaymentError: if no such payment was started.
    :raises PaymentMismatchError: if another amount or currency was asked for.
    :raises VoidInvoiceError: if the invoice is void.
    """
    # The wallet's lock is taken first, then the invoice's, as `finalize_invoice` does.
    lock_wallets([invoice.customer.wallet_id])
    locked = Invoice.objects.select_for_update().get(pk=invoice.pk)
    payment = locked.payments.filter(reference=reference).first()
    if payment is None:
        raise UnknownPaymentError(reference)
    _check(payment, amount, currency)
    if locked.status == Status.VOID:
        raise VoidInvoiceError(str(locked))
    is_news = _end(payment, PaymentStatus.SUCCEEDED, at)
    if locked.status == Status.OPEN:
        _pay(locked, amount, at)
    elif is_news:
        logger.error(
            "invoice %s was paid already; payment %s is to be given back",
            locked,
            reference,
        )
    return locked


def _check(payment: Payment, amount: Decimal, currency: str) -> None:
    if (amount, currency) != (payment.amount, payment.currency):
        message = (
            f"{payment.reference}: {amount} {currency} was paid,"
            f" {payment.amount} {payment.currency} asked for"
        )
        raise PaymentMismatchError(message)


def _end(payment: Payment, status: PaymentStatus, at: datetime) -> bool:
    """End a payment, unless it has succeeded; returns whether it had not."""
    if payment.status == PaymentStatus.SUCCEEDED:
        return False
    payment.status = status
    payment.ended_at = at
    payment.save(update_fields=["status", "ended_at"])
    return True


def _pay(invoice: Invoice, amount: Decimal, at: datetime) -> None:
    invoice.status = Status.PAID
    invoice.amount_paid = amount
    invoice.paid_at = at
    invoice.save(update_fields=["status", "amount_paid", "paid_at"])
    if invoice.pack:
        grant_pack(
            customer=invoice.customer,
            pack=invoice.pack,
            reference=_reference(invoice),
            actor=ACTOR,
            at=at,
        )
    else:
        _settle_usage(invoice, at)


def _settle_usage(invoice: Invoice, at: datetime) -> None:
    amount = usage_due(invoice)
    if amount > 0:
        settle_receivable(
            wallet_id=invoice.customer.wallet_id,
            amount=amount,
            reference=_reference(invoice),
            actor=ACTOR,
            occurred_at=at,
        )


def _reference(invoice: Invoice) -> str:
    return f"invoice:{invoice.number}"


@transaction.atomic
def fail_payment(*, payment: Payment, at: datetime) -> Payment:
    """Note that a payment came to nothing; the invoice stays open.

    What has succeeded cannot fail any more: webhooks may come in any order.
    """
    locked = Payment.objects.select_for_update().get(pk=payment.pk)
    _end(locked, PaymentStatus.FAILED, at)
    return locked
