"""Giving customers credits: packs they paid for, and what operators give."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from billing.models import CreditPack, Customer
from billing.models.credit_packs import INVOICE_PREFIX
from billing.services.alerts import review_balance
from ledger.models import CreditLot, Source
from ledger.money import exact
from ledger.services import Grant, grant_credits


@transaction.atomic
def grant_pack(
    *, customer: Customer, pack: CreditPack, reference: str, actor: str, at: datetime
) -> list[CreditLot]:
    """Grant a pack that was paid for: its credits, and its bonus as a lot of its own.

    Granting for the same reference again adds nothing.

    :raises OtherCreditsGivenError: if the reference has given anything else.
    """
    expires_at = None
    if pack.validity_days:
        expires_at = at + timedelta(days=pack.validity_days)
    paid = Grant(
        source=Source.PURCHASE,
        amount=pack.credits,
        price_paid=pack.price,
        reference=reference,
        starts_at=at,
        expires_at=expires_at,
    )
    grants = [paid]
    if pack.bonus_credits:
        bonus = Grant(
            source=Source.PROMOTION,
            amount=pack.bonus_credits,
            reference=f"{reference}:bonus",
            starts_at=at,
            expires_at=expires_at,
        )
        grants.append(bonus)
    return [_grant_sold(customer, grant, actor, at) for grant in grants]


@transaction.atomic
def grant_purchase(
    *,
    customer: Customer,
    credits: Decimal,
    price: Decimal,
    reference: str,
    actor: str,
    at: datetime,
) -> CreditLot:
    """Grant credits that were paid for without a pack; they never expire.

    Granting for the same reference again adds nothing.

    :raises OtherCreditsGivenError: if the reference has given anything else.
    """
    grant = Grant(
        source=Source.PURCHASE,
        amount=credits,
        price_paid=price,
        reference=reference,
        starts_at=at,
    )
    return _grant_sold(customer, grant, actor, at)


class OtherCreditsGivenError(Exception):
    """The reference has given other credits before."""

    def __init__(self, lot: CreditLot) -> None:
        super().__init__(f"{lot.reference} has given other credits before")


def _grant_sold(
    customer: Customer, grant: Grant, actor: str, at: datetime
) -> CreditLot:
    """Grant what was sold; a lot that took its reference would make it give nothing."""
    lot = _grant(customer, grant, actor, at)
    sold = (grant.source, exact(grant.amount), exact(grant.price_paid))
    if (lot.source, lot.granted, lot.price_paid) != sold:
        raise OtherCreditsGivenError(lot)
    return lot


class PurchaseByHandError(Exception):
    """Purchased credits come from a paid invoice, and are never given by hand."""

    def __init__(self) -> None:
        super().__init__("purchased credits come from a paid invoice alone")


class ReferenceReservedError(Exception):
    """The reference is one of those that paid invoices give their credits by."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"{reference} is kept for what an invoice was paid for")


@transaction.atomic
def give_credits(  # noqa: PLR0913 - what a grant may say.
    *,
    customer: Customer,
    source: Source,
    amount: Decimal,
    reference: str,
    actor: str,
    at: datetime,
    reason: str = "",
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int = 0,
) -> CreditLot:
    """Give credits that nobody paid for: a promotion, a trial or an adjustment.

    They may be spent from `starts_at`, or at once, until `expires_at`. Giving for the
    same reference again returns the first lot and adds nothing.

    :raises PurchaseByHandError: if the source is a purchase.
    :raises ReferenceReservedError: if the reference is kept for paid invoices.
    :raises OtherCreditsGivenError: if the reference gave another amount or source.
    """
    if source == Source.PURCHASE:
        raise PurchaseByHandError
    if reference.startswith(INVOICE_PREFIX):
        raise ReferenceReservedError(reference)
    grant = Grant(
        source=source,
        amount=amount,
        reference=reference,
        reason=reason,
        starts_at=starts_at or at,
        expires_at=expires_at,
        priority=priority,
    )
    lot = _grant(customer, grant, actor, at)
    if (lot.source, lot.granted) != (source, exact(amount)):
        raise OtherCreditsGivenError(lot)
    return lot


def _grant(
    customer: Customer, grant: Grant, actor: str, occurred_at: datetime
) -> CreditLot:
    lot = grant_credits(
        wallet_id=customer.wallet_id, grant=grant, actor=actor, occurred_at=occurred_at
    )
    review_balance(customer_id=customer.pk, at=occurred_at)
    return lot
