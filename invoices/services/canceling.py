"""Canceling what was ordered and not paid."""

from datetime import datetime

from django.db import transaction

from invoices.models import Invoice, Kind, PaymentStatus, Status
from invoices.services.payments import BeingChargedError, NotOpenError
from invoices.services.voiding import void
from ledger.posting import lock_wallets


class NotAnOrderError(Exception):
    """The invoice is for usage, which is owed."""


@transaction.atomic
def cancel_purchase(*, invoice: Invoice, by: str, at: datetime) -> Invoice:
    """Void an order of credits that was not paid; nothing is owed for it then.

    Canceling it again changes nothing. Money that still comes from a page that was
    left open goes back.

    :raises NotAnOrderError: if it is for usage.
    :raises NotOpenError: if it is paid.
    :raises BeingChargedError: if a kept card is being charged for it.
    """
    # The wallet's lock is taken first, then the invoice's, as `mark_paid` does.
    lock_wallets([invoice.customer.wallet_id])
    locked = Invoice.objects.select_for_update().get(pk=invoice.pk)
    if locked.kind != Kind.PURCHASE:
        raise NotAnOrderError(str(locked))
    if locked.status == Status.VOID:
        return locked
    if locked.status != Status.OPEN:
        raise NotOpenError(str(locked))
    pending = locked.payments.filter(status=PaymentStatus.PENDING)
    if pending.filter(method__isnull=False).exists():
        raise BeingChargedError(str(locked))
    void(Invoice.objects.filter(pk=locked.pk), by=by, at=at)
    locked.refresh_from_db()
    return locked
