"""Paying for invoices, and giving what was paid for."""

from datetime import datetime
from decimal import Decimal
from urllib.parse import urljoin

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.crypto import get_random_string

from billing.services.alerts import review_balance
from billing.services.grants import grant_pack, grant_purchase
from invoices.models import Invoice, Payment, PaymentMethod, PaymentStatus, Status
from invoices.payments import Card
from invoices.queries.purchased import reference_of
from invoices.services.excess import return_excess
from invoices.services.settlement import usage_due
from invoices.services.top_ups import note_top_up_ended
from ledger.posting import lock_wallets
from ledger.services import settle_receivable

ACTOR = "payment"
# Why an attempt is over that another one took the place of.
BEGUN_ANEW = "begun anew"


class NotOpenError(Exception):
    """The invoice is a draft, paid or void, so it cannot be paid, nor canceled."""


class BeingChargedError(NotOpenError):
    """A kept card is being charged for the invoice just now."""


@transaction.atomic
def start_payment(
    *,
    invoice: Invoice,
    at: datetime,
    return_url: str = "",
    leads_to: str = "",
    saves_method: bool = False,
    method: PaymentMethod | None = None,
) -> Payment:
    """Begin to pay what is due; an attempt that is under way is taken up again.

    Unless it differs in whether the card may be kept: then it is over, and another one
    is begun. What is still paid on its page pays the invoice, or goes back.

    :raises NotOpenError: if there is nothing to pay.
    :raises BeingChargedError: if a kept card is being charged.
    """
    locked = _lock_open(invoice)
    if method is None:
        # A card is kept with its holder's consent alone, the last that was given.
        _abandon(locked, at, saves_method=not saves_method)
    reference = get_random_string(32)
    # One attempt at a time, or the customer could pay twice on two pages.
    payment, _ = Payment.objects.get_or_create(
        invoice=locked,
        provider=settings.PAYMENT_PROVIDER,
        status=PaymentStatus.PENDING,
        defaults={
            "reference": reference,
            "currency": locked.currency,
            "amount": locked.amount_due,
            "return_url": return_url or _back_to_us(reference),
            "leads_to": leads_to,
            "saves_method": saves_method,
            "method": method,
            "started_at": at,
        },
    )
    return _lead_on(payment, leads_to, is_unattended=method is not None)


def _lead_on(payment: Payment, leads_to: str, *, is_unattended: bool) -> Payment:
    if payment.method_id and not is_unattended:
        # On a page it could be paid a second time.
        raise BeingChargedError(str(payment.invoice))
    if payment.leads_to != leads_to:
        # The page is the same; who has led to it last is led back.
        payment.leads_to = leads_to
        payment.save(update_fields=["leads_to"])
    return payment


def _back_to_us(reference: str) -> str:
    base: str = settings.BASE_URL
    return urljoin(base, reverse("checkout-back", args=[reference]))


def _lock_open(invoice: Invoice) -> Invoice:
    locked = Invoice.objects.select_for_update().get(pk=invoice.pk)
    if locked.status != Status.OPEN:
        raise NotOpenError(str(locked))
    return locked


def _abandon(invoice: Invoice, at: datetime, **which: object) -> None:
    """End the attempts on a page that there are of a kind; the invoice is locked."""
    on_pages = invoice.payments.filter(method=None, status=PaymentStatus.PENDING)
    for payment in on_pages.filter(provider=settings.PAYMENT_PROVIDER, **which):
        _end(payment, PaymentStatus.FAILED, at, failure=BEGUN_ANEW)


@transaction.atomic
def restart_payment(*, payment: Payment, at: datetime) -> Payment:
    """End an attempt whose page is not to be had, and begin another one like it.

    Where that was done already, the other one is taken up.

    :raises NotOpenError: if there is nothing to pay any more.
    """
    invoice = _lock_open(payment.invoice)
    _abandon(invoice, at, pk=payment.pk)
    leads_to_us = payment.return_url == _back_to_us(payment.reference)
    return start_payment(
        invoice=invoice,
        return_url="" if leads_to_us else payment.return_url,
        leads_to=payment.leads_to,
        saves_method=payment.saves_method,
        at=at,
    )


@transaction.atomic
def note_checkout(*, payment: Payment, checkout_reference: str) -> None:
    """Keep what the provider calls the page of a payment."""
    Payment.objects.filter(pk=payment.pk, status=PaymentStatus.PENDING).update(
        checkout_reference=checkout_reference
    )


class PaymentRefusedError(Exception):
    """Money was announced that must not be credited."""


class UnknownPaymentError(PaymentRefusedError):
    """No payment of this reference was started."""


class PaymentMismatchError(PaymentRefusedError):
    """The amount or its currency is not what was asked for."""


@transaction.atomic
def mark_paid(
    *,
    invoice: Invoice,
    reference: str,
    amount: Decimal,
    currency: str,
    at: datetime,
    provider_reference: str = "",
    card: Card | None = None,
) -> Invoice:
    """Note that a payment succeeded, and give what was paid for, once.

    Credits are granted; usage that was billed is lifted from the wallet's overdraft.
    Marking a paid invoice again changes nothing. Money for an invoice that is paid
    already, or void, is given back, once.

    :raises UnknownPaymentError: if no such payment was started.
    :raises PaymentMismatchError: if another amount or currency was asked for.
    """
    # The wallet's lock is taken first, then the invoice's, as `finalize_invoice` does.
    lock_wallets([invoice.customer.wallet_id])
    locked = Invoice.objects.select_for_update().get(pk=invoice.pk)
    payment = locked.payments.filter(reference=reference).first()
    if payment is None:
        raise UnknownPaymentError(reference)
    _check(payment, amount, currency)
    if payment.status == PaymentStatus.SUCCEEDED:
        return locked
    payment.provider_reference = provider_reference
    _end(payment, PaymentStatus.SUCCEEDED, at)
    if card and payment.saves_method:
        _keep_card(payment, card)
    if locked.status == Status.OPEN:
        _pay(locked, amount, at)
    else:
        return_excess(payment=payment, at=at)
    note_top_up_ended(payment=payment, at=at)
    return locked


def _check(payment: Payment, amount: Decimal, currency: str) -> None:
    if (amount, currency) != (payment.amount, payment.currency):
        message = (
            f"{payment.reference}: {amount} {currency} was paid,"
            f" {payment.amount} {payment.currency} asked for"
        )
        raise PaymentMismatchError(message)


def _end(
    payment: Payment, status: PaymentStatus, at: datetime, *, failure: str = ""
) -> None:
    payment.status = status
    payment.failure = failure
    payment.ended_at = at
    payment.save(update_fields=["status", "failure", "ended_at", "provider_reference"])


def _keep_card(payment: Payment, card: Card) -> None:
    PaymentMethod.objects.update_or_create(
        customer=payment.invoice.customer,
        provider=payment.provider,
        reference=card.reference,
        defaults={
            "provider_customer": card.provider_customer,
            "label": card.label,
            "removed_at": None,
        },
    )


def _pay(invoice: Invoice, amount: Decimal, at: datetime) -> None:
    invoice.status = Status.PAID
    invoice.amount_paid = amount
    invoice.paid_at = at
    invoice.save(update_fields=["status", "amount_paid", "paid_at"])
    if invoice.pack:
        grant_pack(
            customer=invoice.customer,
            pack=invoice.pack,
            reference=reference_of(invoice),
            actor=ACTOR,
            at=at,
        )
    elif invoice.credits:
        grant_purchase(
            customer=invoice.customer,
            credits=invoice.credits,
            price=invoice.total,
            reference=reference_of(invoice),
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
            reference=reference_of(invoice),
            actor=ACTOR,
            occurred_at=at,
        )
        review_balance(customer_id=invoice.customer_id, at=at)


@transaction.atomic
def fail_payment(*, payment: Payment, at: datetime, failure: str = "") -> Payment:
    """Note that a payment came to nothing; the invoice stays open.

    That of an auto top-up is void then. What has succeeded cannot fail any more:
    webhooks may come in any order.
    """
    # The wallet, then the invoice, then the payment, as `mark_paid` does.
    lock_wallets([payment.invoice.customer.wallet_id])
    Invoice.objects.select_for_update().get(pk=payment.invoice_id)
    locked = Payment.objects.select_for_update().get(pk=payment.pk)
    if locked.status == PaymentStatus.PENDING:
        _end(locked, PaymentStatus.FAILED, at, failure=failure[:200])
        note_top_up_ended(payment=locked, at=at)
    return locked
