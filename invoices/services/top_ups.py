"""Auto top-ups: what a customer agreed to, and what follows when one has ended.

An `AutoTopUp` changes under its customer's wallet's lock alone.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from billing.models import Customer, NoticeKind
from billing.services.alerts import check_threshold, spendable, watch_for_top_up
from billing.services.notices import write_notice
from invoices.models import (
    AutoTopUp,
    Invoice,
    OffBecause,
    Payment,
    PaymentMethod,
    PaymentStatus,
)
from invoices.queries.top_ups import count_declines
from invoices.services.purchases import check_amount
from invoices.services.voiding import void
from ledger.money import as_text, exact, format_bounds, format_money
from ledger.posting import lock_wallets

ACTOR = "payment"
# After a decline; the one after the last of these switches it off.
RETRY_AFTER = (timedelta(hours=1), timedelta(hours=24))
# After a purchase that did not lift the credits to the threshold.
PACE = timedelta(hours=1)
# The customer knows of these: it did them.
_UNANNOUNCED = {OffBecause.CUSTOMER, OffBecause.CARD_REMOVED}


class ThresholdAboveAmountError(ValueError):
    """One purchase would not lift the credits to the threshold."""


class MonthlyMaximumError(ValueError):
    """The monthly maximum is less than one purchase, or out of bounds."""


class MethodNotKeptError(Exception):
    """The card is none that the customer lets us charge."""


@transaction.atomic
def set_auto_top_up(
    *,
    customer: Customer,
    threshold: Decimal,
    amount: Decimal,
    monthly_maximum: Decimal,
    method: PaymentMethod,
    by: str,
    at: datetime,
) -> AutoTopUp:
    """Buy an amount of credits from now on, whenever they are below a threshold.

    Amounts are in the wallet's currency. What is being bought just now goes on. Saving
    it again, even after it was off, shortens no wait of a declined card. The customer
    is told, unless nothing has changed.

    :raises AmountNotForSaleError: if the amount cannot be bought.
    :raises ThresholdError: if the threshold is out of bounds.
    :raises ThresholdAboveAmountError: if it is above the amount.
    :raises MonthlyMaximumError: if the maximum is below the amount, or too large.
    :raises MethodNotKeptError: if the card is not one of the customer's kept ones.
    """
    lock_wallets([customer.wallet_id])
    currency = customer.wallet.currency
    check_amount(amount, currency)
    _check_threshold(threshold, amount, currency)
    _check_maximum(monthly_maximum, amount, currency)
    terms = {
        "is_on": True,
        "threshold": exact(threshold),
        "amount": exact(amount),
        "monthly_maximum": exact(monthly_maximum),
        "method": _get_kept(customer, method),
    }
    watch_for_top_up(customer=customer, threshold=threshold, at=at)
    before = AutoTopUp.objects.filter(customer=customer).first()
    if before and all(getattr(before, name) == terms[name] for name in terms):
        return before
    top_up = _save(customer, terms | {"changed_by": by} | _wait(before, method))
    return _tell_terms(top_up, at)


def _save(customer: Customer, terms: dict[str, object]) -> AutoTopUp:
    fresh = {"off_because": "", "capped_until": None}
    top_up, _ = AutoTopUp.objects.update_or_create(
        customer=customer, defaults=terms | fresh
    )
    return top_up


def _check_threshold(threshold: Decimal, amount: Decimal, currency: str) -> None:
    if check_threshold(threshold) > amount:
        most = format_money(amount, currency)
        message = (
            f"A threshold is at most the amount of one purchase, {most}:"
            " or it would be bought again and again."
        )
        raise ThresholdAboveAmountError(message)


def _check_maximum(maximum: Decimal, amount: Decimal, currency: str) -> None:
    most = settings.TOP_UP_MONTHLY_MAXIMUM
    if not (maximum.is_finite() and amount <= maximum <= most):
        bounds = format_bounds(amount, most, currency)
        message = f"Choose a monthly maximum {bounds}: one purchase at least."
        raise MonthlyMaximumError(message)
    if exact(maximum) != maximum:
        message = "A monthly maximum has at most 18 decimals."
        raise MonthlyMaximumError(message)


def _get_kept(customer: Customer, method: PaymentMethod) -> PaymentMethod:
    kept = PaymentMethod.objects.filter(
        pk=method.pk,
        customer=customer,
        provider=settings.PAYMENT_PROVIDER,
        removed_at__isnull=True,
    ).first()
    if kept is None:
        message = "This card is not kept for automatic top-ups."
        raise MethodNotKeptError(message)
    return kept


def _wait(before: AutoTopUp | None, method: PaymentMethod) -> dict[str, object]:
    """Return the declines that count for a card, which are its own, and their wait."""
    if before is None or before.method_id == method.pk:
        return {}
    failures, declined_at = count_declines(method=method)
    waits = [_retry_at(failures, declined_at)] if declined_at else []
    if before.retry_at and not before.failures:
        # A purchase that was not enough: no other card is charged in its place.
        waits.append(before.retry_at)
    return {"failures": failures, "retry_at": max(waits, default=None)}


def _retry_at(failures: int, declined_at: datetime) -> datetime:
    return declined_at + RETRY_AFTER[min(failures, len(RETRY_AFTER)) - 1]


def _tell_terms(top_up: AutoTopUp, at: datetime) -> AutoTopUp:
    write_notice(
        customer_id=top_up.customer_id,
        kind=NoticeKind.TOP_UP_CHANGED,
        reference=f"changed:{at.isoformat()}",
        facts={
            "threshold": as_text(top_up.threshold),
            "amount": as_text(top_up.amount),
            "monthly_maximum": as_text(top_up.monthly_maximum),
            "card": top_up.method.label,
            "by": top_up.changed_by,
        },
    )
    return top_up


@transaction.atomic
def switch_off_auto_top_up(
    *, customer: Customer, because: OffBecause, by: str, at: datetime
) -> AutoTopUp | None:
    """Buy no more credits by itself; the customer is told, unless it did so itself.

    What is being bought just now goes on. Switching off again changes nothing, nor does
    it where nothing was ever agreed. Returns what was agreed.
    """
    lock_wallets([customer.wallet_id])
    top_up = AutoTopUp.objects.filter(customer=customer).first()
    if top_up is None or not top_up.is_on:
        return top_up
    top_up.is_on = False
    top_up.off_because = because
    top_up.changed_by = by
    top_up.save()
    watch_for_top_up(customer=customer, threshold=None, at=at)
    if because not in _UNANNOUNCED:
        write_notice(
            customer_id=customer.pk,
            kind=NoticeKind.TOP_UP_OFF,
            reference=f"off:{at.isoformat()}",
            facts={"because": str(OffBecause(because).label)},
        )
    return top_up


@transaction.atomic
def note_top_up_ended(*, payment: Payment, at: datetime) -> None:
    """Take the end of a payment into account, if it was for an auto top-up.

    The customer is told of either end. After a success that did not lift the credits to
    the threshold, it waits an hour. After a decline its invoice is void, and money that
    still comes for it goes back. It is tried again after an hour, then after a day, and
    the third time it is off. Runs where the payment ends, with the wallet's lock held;
    twice is once.
    """
    top_up = (
        AutoTopUp.objects.select_related("customer").filter(pending=payment).first()
    )
    if top_up is None or payment.status == PaymentStatus.PENDING:
        return
    top_up.pending = None
    if payment.status == PaymentStatus.SUCCEEDED:
        available = _available(top_up.customer, at)
        top_up.failures = 0
        top_up.retry_at = at + PACE if available < top_up.threshold else None
        top_up.save()
        _tell_bought(payment, available, top_up.customer)
        return
    void(Invoice.objects.filter(pk=payment.invoice_id), by=ACTOR, at=at)
    top_up.failures += 1
    # Also where it is off by now: to switch it on again is no way around the wait.
    top_up.retry_at = _retry_at(top_up.failures, at)
    top_up.save()
    if top_up.is_on:
        _tell_or_stop(top_up, payment, top_up.retry_at, at)


def _available(customer: Customer, at: datetime) -> Decimal:
    wallet = lock_wallets([customer.wallet_id])[customer.wallet_id]
    return spendable(wallet, at)


def _tell_bought(payment: Payment, available: Decimal, customer: Customer) -> None:
    write_notice(
        customer_id=customer.pk,
        kind=NoticeKind.TOP_UP_BOUGHT,
        reference=f"payment:{payment.pk}",
        facts=_facts_of(payment)
        | {"balance": as_text(available), "invoice": payment.invoice.number},
    )


def _facts_of(payment: Payment) -> dict[str, str]:
    card = payment.method.label if payment.method else ""
    return {"amount": as_text(payment.amount), "card": card}


def _tell_or_stop(
    top_up: AutoTopUp, payment: Payment, retry_at: datetime, at: datetime
) -> None:
    customer = top_up.customer
    if top_up.failures > len(RETRY_AFTER):
        because = OffBecause.DECLINED
        switch_off_auto_top_up(customer=customer, because=because, by=ACTOR, at=at)
        return
    write_notice(
        customer_id=customer.pk,
        kind=NoticeKind.TOP_UP_FAILED,
        reference=f"payment:{payment.pk}",
        facts=_facts_of(payment)
        | {"failure": payment.failure, "retry_at": retry_at.isoformat()},
    )
