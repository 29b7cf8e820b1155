"""Ending what would otherwise wait for a provider for ever."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from invoices.models import AutoTopUp, OffBecause, Payment
from invoices.services.payments import ACTOR, fail_payment
from invoices.services.top_ups import switch_off_auto_top_up
from ledger.posting import lock_wallets


@transaction.atomic
def end_elsewhere(*, payment: Payment, at: datetime) -> Payment:
    """End a pending payment of a provider that is not in use any more.

    It failed; an auto top-up that waits for it is off, for its card can be charged no
    more, and its customer is told. One that began a moment ago is left alone: a process
    of before the change may still be at work.
    """
    if payment.started_at > at - settings.PAYMENT_PATIENCE:
        return payment
    _switch_off(payment, OffBecause.CARD_UNUSABLE, at)
    return fail_payment(payment=payment, failure="provider changed", at=at)


@transaction.atomic
def leave_to_a_person(*, payment: Payment, at: datetime) -> None:
    """Ask no more about a charge whose amount is not what was asked for.

    The payment stays as it is. The auto top-up waits for it no longer: it is off, and
    its customer is told.
    """
    _switch_off(payment, OffBecause.MISMATCH, at)
    AutoTopUp.objects.filter(pending=payment).update(pending=None)


def _switch_off(payment: Payment, because: OffBecause, at: datetime) -> None:
    """Switch the auto top-up off that waits for a payment, with the wallet locked."""
    customer = payment.invoice.customer
    lock_wallets([customer.wallet_id])
    if AutoTopUp.objects.filter(pending=payment).exists():
        switch_off_auto_top_up(customer=customer, because=because, by=ACTOR, at=at)
