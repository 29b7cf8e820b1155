"""Auto top-ups: what a customer agreed to, and what follows when one has ended.

An `AutoTopUp` changes under its customer's wallet's lock alone.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from billing.models import Customer, NoticeKind
from billing.services.alerts import watch_for_top_up
from billing.services.notices import write_notice
from invoices.models import (
    AutoTopUp,
    Invoice,
    OffBecause,
    Payment,
    PaymentMethod,
    PaymentStatus,
    Status,
)
from invoices.services.purchases import check_amount
from ledger.money import as_text, exact
from ledger.posting import lock_wallets

ACTOR = "payment"
LARGEST_MAXIMUM = Decimal(1_000_000_000)
# After a decline; the one after the last of these switches it off.
RETRY_AFTER = (timedelta(hours=1), timedelta(hours=24))
# The customer knows of these: it did them.
_UNANNOUNCED = {OffBecause.CUSTOMER, OffBecause.CARD_REMOVED}


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
    it again with the card that was declined does not shorten the wait.

    :raises AmountNotForSaleError: if the amount cannot be bought.
    :raises ThresholdError: if the threshold is out of bounds.
    :raises MonthlyMaximumError: if the maximum is less than the amount, or too large.
    :raises MethodNotKeptError: if the card is not one of the customer's kept ones.
    """
    lock_wallets([customer.wallet_id])
    check_amount(amount, customer.wallet.currency)
    _check_maximum(monthly_maximum, amount)
    kept = _get_kept(customer, method)
    watch_for_top_up(customer=customer, threshold=threshold, at=at)
    top_up, _ = AutoTopUp.objects.update_or_create(
        customer=customer,
        defaults={
            "is_on": True,
            "off_because": "",
            "threshold": exact(threshold),
            "amount": exact(amount),
            "monthly_maximum": exact(monthly_maximum),
            "method": kept,
            "changed_by": by,
        }
        | _wait(AutoTopUp.objects.filter(customer=customer).first(), kept),
    )
    return top_up


def _check_maximum(maximum: Decimal, amount: Decimal) -> None:
    if not (maximum.is_finite() and amount <= maximum <= LARGEST_MAXIMUM):
        message = (
            f"A monthly maximum is from the amount of one purchase, {as_text(amount)},"
            f" to {LARGEST_MAXIMUM:,}."
        )
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
    """Return the declines that still count: none of another card, or of long ago."""
    is_same = before is not None and before.is_on and before.method_id == method.pk
    if is_same and before and before.failures:
        return {}
    return {"failures": 0, "retry_at": None}


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
    top_up.retry_at = None
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

    After a decline its invoice is void, and money that still comes for it goes back. It
    is tried again after an hour, then after a day, and the third time it is off. Runs
    where the payment ends, with the wallet's lock held; twice is once.
    """
    top_up = (
        AutoTopUp.objects.select_related("customer").filter(pending=payment).first()
    )
    if top_up is None or payment.status == PaymentStatus.PENDING:
        return
    top_up.pending = None
    if payment.status == PaymentStatus.SUCCEEDED:
        top_up.failures = 0
        top_up.retry_at = None
        top_up.save()
        return
    invoices = Invoice.objects.filter(pk=payment.invoice_id, status=Status.OPEN)
    invoices.update(status=Status.VOID, voided_at=at, voided_by=ACTOR)
    top_up.failures += 1
    top_up.save()
    if top_up.is_on:
        _retry_or_stop(top_up, payment, at)


def _retry_or_stop(top_up: AutoTopUp, payment: Payment, at: datetime) -> None:
    customer = top_up.customer
    if top_up.failures > len(RETRY_AFTER):
        because = OffBecause.DECLINED
        switch_off_auto_top_up(customer=customer, because=because, by=ACTOR, at=at)
        return
    top_up.retry_at = at + RETRY_AFTER[top_up.failures - 1]
    top_up.save(update_fields=["retry_at"])
    write_notice(
        customer_id=customer.pk,
        kind=NoticeKind.TOP_UP_FAILED,
        reference=f"payment:{payment.pk}",
        facts={
            "amount": as_text(payment.amount),
            "card": payment.method.label if payment.method else "",
            "failure": payment.failure,
            "retry_at": top_up.retry_at.isoformat(),
        },
    )
