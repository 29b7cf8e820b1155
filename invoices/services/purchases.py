"""Ordering credits: what is bought is an invoice to be paid."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from billing.models import CreditPack, Customer
from invoices.models import Invoice, InvoiceLine, Kind, LineKind, Status
from invoices.payments import get_payable_step
from invoices.services.issuing import issue
from ledger.money import (
    as_text,
    floor_to_step,
    format_bounds,
    format_money,
    round_to_currency,
)


class PackNotForSaleError(Exception):
    """The pack is no longer sold, or not in the currency of the customer's wallet."""


class PackNotPayableError(PackNotForSaleError):
    """The price of the pack is too fine for the provider that is to take it."""

    def __init__(self, pack: CreditPack, price: Decimal) -> None:
        asked = f"{as_text(price)} cannot be paid in {pack.currency}"
        super().__init__(f"{pack.code} is not for sale: {asked}, it is too fine.")


class AmountNotForSaleError(Exception):
    """The amount is not one that can be bought: see `PURCHASE_MINIMUM`."""


class TooManyOrdersError(Exception):
    """Too many of the customer's purchases wait to be paid."""


class KeyReusedError(Exception):
    """The order's key was used before, for another order."""


# That wait to be paid, of one customer; each has a number of the gapless series.
MOST_OPEN_ORDERS = 20


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be bought: a pack, or an amount of one's own in the currency."""

    pack: CreditPack | None = None
    amount: Decimal | None = None

    @property
    def fingerprint(self) -> bytes:
        """The SHA-256 of what is ordered; tells a repeat from another order."""
        amount = "" if self.amount is None else as_text(self.amount)
        text = f"{self.pack.code if self.pack else ''}:{amount}"
        return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Ordered:
    """The invoice of an order, and whether the order had been made before."""

    invoice: Invoice
    is_repeat: bool


@transaction.atomic
def place_order(*, customer: Customer, order: Order, key: str, at: datetime) -> Ordered:
    """Make the open invoice of an order; the same key is the same order for ever.

    :raises KeyReusedError: if the key was used for another order.
    :raises PackNotForSaleError: if the customer cannot buy this pack.
    :raises AmountNotForSaleError: if the amount is too small, too large or too fine.
    :raises TooManyOrdersError: if 20 orders wait to be paid already.
    """
    # Two of one key are one.
    locked = _lock(customer)
    made = Invoice.objects.filter(customer=locked, order_key=key).first()
    if made is None:
        _check_open_orders(locked)
        return Ordered(_buy(locked, order, key, at), is_repeat=False)
    if bytes(made.order_fingerprint or b"") != order.fingerprint:
        raise KeyReusedError(key)
    return Ordered(made, is_repeat=True)


def _lock(customer: Customer) -> Customer:
    """Let one order of a customer be made at a time."""
    return Customer.objects.select_for_update(of=("self",)).get(pk=customer.pk)


def _check_open_orders(customer: Customer) -> None:
    waiting = Invoice.objects.filter(
        customer=customer, kind=Kind.PURCHASE, status=Status.OPEN
    )
    if waiting.count() >= MOST_OPEN_ORDERS:
        message = (
            f"{MOST_OPEN_ORDERS} purchases wait to be paid. Pay for one, or wait:"
            f" after {settings.ORDER_LASTS.days} days they are void."
        )
        raise TooManyOrdersError(message)


def _buy(customer: Customer, order: Order, key: str, at: datetime) -> Invoice:
    if order.pack:
        return _invoice_pack(customer, order.pack, at, _by(order, key))
    return _invoice_amount(customer, order.amount or Decimal(0), at, _by(order, key))


def _by(order: Order, key: str) -> dict[str, object]:
    return {"order_key": key, "order_fingerprint": order.fingerprint}


@transaction.atomic
def buy_pack(*, customer: Customer, pack: CreditPack, at: datetime) -> Invoice:
    """Make the open invoice of a credit pack; paying it grants the credits.

    :raises PackNotForSaleError: if the customer cannot buy this pack.
    :raises PackNotPayableError: if nobody can, by the provider in use.
    :raises TooManyOrdersError: if 20 orders wait to be paid already.
    """
    locked = _lock(customer)
    _check_open_orders(locked)
    return _invoice_pack(locked, pack, at, {})


@transaction.atomic
def buy_credits(*, customer: Customer, amount: Decimal, at: datetime) -> Invoice:
    """Make the open invoice of an amount of one's own; it buys as many credits.

    :raises AmountNotForSaleError: if the amount is too small, too large or too fine.
    :raises TooManyOrdersError: if 20 orders wait to be paid already.
    """
    locked = _lock(customer)
    _check_open_orders(locked)
    return _invoice_amount(locked, amount, at, {})


@transaction.atomic
def buy_top_up(*, customer: Customer, amount: Decimal, at: datetime) -> Invoice:
    """Make the open invoice of what auto top-up buys, however many orders wait.

    :raises AmountNotForSaleError: if the amount is too small, too large or too fine.
    """
    return _invoice_amount(customer, amount, at, {})


def _invoice_pack(
    customer: Customer, pack: CreditPack, at: datetime, by: dict[str, object]
) -> Invoice:
    if not pack.is_active or pack.currency != customer.wallet.currency:
        raise PackNotForSaleError(pack.code)
    price = round_to_currency(pack.price, pack.currency)
    if not _is_payable(price, pack.currency):
        raise PackNotPayableError(pack, price)
    invoice = Invoice(customer=customer, pack=pack, currency=pack.currency, **by)
    return _issue(invoice, pack.name, pack.price, price, at)


def _invoice_amount(
    customer: Customer, amount: Decimal, at: datetime, by: dict[str, object]
) -> Invoice:
    currency = customer.wallet.currency
    check_amount(amount, currency)
    invoice = Invoice(customer=customer, credits=amount, currency=currency, **by)
    description = f"{format_money(amount, currency)} of credits"
    return _issue(invoice, description, amount, amount, at)


def check_amount(amount: Decimal, currency: str) -> None:
    """Refuse an amount that cannot be bought in a currency.

    :raises AmountNotForSaleError: if it is too small, too large or too fine.
    """
    least, most = settings.PURCHASE_MINIMUM, settings.PURCHASE_MAXIMUM
    if not least <= amount <= most:
        message = f"Choose an amount {format_bounds(least, most, currency)}."
        raise AmountNotForSaleError(message)
    if not _is_payable(amount, currency):
        step = as_text(get_payable_step(currency=currency))
        message = f"An amount in {currency} is a multiple of {step}."
        raise AmountNotForSaleError(message)


def _is_payable(amount: Decimal, currency: str) -> bool:
    step = get_payable_step(currency=currency)
    return floor_to_step(amount, step) == amount


def _issue(
    invoice: Invoice,
    description: str,
    exact_amount: Decimal,
    price: Decimal,
    at: datetime,
) -> Invoice:
    invoice.kind = Kind.PURCHASE
    invoice.total = invoice.amount_due = price
    invoice.drafted_at = at
    invoice.save()
    InvoiceLine.objects.create(
        invoice=invoice,
        position=1,
        kind=LineKind.PACK,
        description=description,
        exact_amount=exact_amount,
        amount=price,
    )
    issue(invoice, at=at)
    return invoice
