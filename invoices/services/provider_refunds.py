"""What a provider says to have given back in all, whoever asked for it."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from invoices.models import OffBecause, Payment, Refund
from invoices.services.payments import PaymentMismatchError
from invoices.services.returns import take_in_provider_refunds
from invoices.services.taking import lock_payment, review_alerts
from ledger.money import as_text


@transaction.atomic
def note_charge_refunded(
    *, payment: Payment, amount_refunded: Decimal, currency: str, at: datetime
) -> Refund | None:
    """Note what of a payment went back in all; what is not known is a refund of theirs.

    The sum only grows, so that news may come twice and in any order. Returns the refund
    that was made at the provider, if there is one that was not known.

    :raises PaymentMismatchError: if it is more than was paid, or in another currency.
    """
    locked = lock_payment(payment.pk)
    if currency != locked.currency or amount_refunded > locked.amount:
        message = (
            f"{locked.reference}: {as_text(amount_refunded)} {currency} was refunded,"
            f" {as_text(locked.amount)} {locked.currency} was paid"
        )
        raise PaymentMismatchError(message)
    if amount_refunded > locked.refunded_at_provider:
        locked.refunded_at_provider = amount_refunded
        locked.save(update_fields=["refunded_at_provider"])
    refund = take_in_provider_refunds(locked, at=at)
    review_alerts(locked, OffBecause.REFUND, at=at)
    return refund
