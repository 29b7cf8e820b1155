"""Giving customers credits: packs they paid for, and what operators give."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from billing.models import CreditPack, Customer
from billing.models.credit_packs import INVOICE_PREFIX, LONGEST_DAYS
from billing.services.alerts import review_balance
from ledger.models import FIRST_TIME, CreditLot, Source
from ledger.money import as_text, exact
from ledger.services import Grant, grant_credits

LONGEST = timedelta(days=LONGEST_DAYS)


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


class GrantTooLargeError(Exception):
    """More would be given by hand at once than `GRANT_MAXIMUM`."""

    def __init__(self) -> None:
        most = as_text(settings.GRANT_MAXIMUM)
        super().__init__(f"at most {most} credits are given by hand at once")


class GrantTimeError(Exception):
    """Credits would begin or end where no grant does."""

    def __init__(self) -> None:
        super().__init__("credits begin in 2000 or later, and end within 100 years")


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
    :raises GrantTooLargeError: if it is more than `GRANT_MAXIMUM`, whoever gives it.
    :raises GrantTimeError: if `is_grant_time` refuses one of its times.
    :raises OtherCreditsGivenError: if the reference gave another amount or source.
    """
    if source == Source.PURCHASE:
        raise PurchaseByHandError
    if reference.startswith(INVOICE_PREFIX):
        raise ReferenceReservedError(reference)
    _check_bounds(amount, starts_at, expires_at, at=at)
    grant = Grant(
        source=source,
        amount=amount,
        reference=reference,
        reason=reason,
        starts_at=starts_at or at,
        expires_at=expires_at,
        priority=priority,
    )
    return _checked(_grant(customer, grant, actor, at), source, amount)


def _checked(lot: CreditLot, source: Source, amount: Decimal) -> CreditLot:
    if (lot.source, lot.granted) != (source, exact(amount)):
        raise OtherCreditsGivenError(lot)
    return lot


def _check_bounds(amount: Decimal, *times: datetime | None, at: datetime) -> None:
    if amount > settings.GRANT_MAXIMUM:
        raise GrantTooLargeError
    if not all(is_grant_time(time, at=at) for time in times):
        raise GrantTimeError


def is_grant_time(time: datetime | None, *, at: datetime) -> bool:
    """Tell whether credits given at an instant may begin or end at a time.

    From 2000 to 100 years ahead; none is a time that is not asked for.
    """
    return time is None or FIRST_TIME <= time <= at + LONGEST


def _grant(
    customer: Customer, grant: Grant, actor: str, occurred_at: datetime
) -> CreditLot:
    lot = grant_credits(
        wallet_id=customer.wallet_id, grant=grant, actor=actor, occurred_at=occurred_at
    )
    review_balance(customer_id=customer.pk, at=occurred_at)
    return lot
