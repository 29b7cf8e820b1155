"""Giving customers credits: packs they paid for, and promotions."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from billing.models import CreditPack, Customer
from billing.services.alerts import review_balance
from ledger.models import CreditLot, Source
from ledger.services import Grant, grant_credits


@transaction.atomic
def grant_pack(
    *, customer: Customer, pack: CreditPack, reference: str, actor: str, at: datetime
) -> list[CreditLot]:
    """Grant a pack that was paid for: its credits, and its bonus as a lot of its own.

    Granting for the same reference again adds nothing.
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
    return [_grant(customer, grant, actor, at) for grant in grants]


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
    """
    grant = Grant(
        source=Source.PURCHASE,
        amount=credits,
        price_paid=price,
        reference=reference,
        starts_at=at,
    )
    return _grant(customer, grant, actor, at)


@transaction.atomic
def grant_promotion(
    *,
    customer: Customer,
    amount: Decimal,
    reference: str,
    actor: str,
    at: datetime,
    expires_at: datetime | None = None,
) -> CreditLot:
    """Give credits away; the same reference gives them once."""
    grant = Grant(
        source=Source.PROMOTION,
        amount=amount,
        reference=reference,
        starts_at=at,
        expires_at=expires_at,
    )
    return _grant(customer, grant, actor, at)


def _grant(
    customer: Customer, grant: Grant, actor: str, occurred_at: datetime
) -> CreditLot:
    lot = grant_credits(
        wallet_id=customer.wallet_id, grant=grant, actor=actor, occurred_at=occurred_at
    )
    review_balance(customer_id=customer.pk, at=occurred_at)
    return lot
