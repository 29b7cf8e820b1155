"""Cards that customers let us keep."""

from datetime import datetime

from django.db import transaction

from billing.models import Customer
from invoices.models import AutoTopUp, OffBecause, PaymentMethod
from invoices.services.top_ups import switch_off_auto_top_up
from ledger.posting import lock_wallets


@transaction.atomic
def remove_method(
    *, customer: Customer, method_id: int, by: str, at: datetime
) -> PaymentMethod:
    """Charge a kept card no more; an auto top-up from it is switched off.

    Removing it again changes nothing.

    :raises PaymentMethod.DoesNotExist: if the customer has no such card.
    """
    lock_wallets([customer.wallet_id])
    methods = PaymentMethod.objects.select_for_update(of=("self",))
    method = methods.get(pk=method_id, customer=customer)
    if method.removed_at is None:
        method.removed_at = at
        method.save(update_fields=["removed_at"])
    if AutoTopUp.objects.filter(customer=customer, method=method).exists():
        because = OffBecause.CARD_REMOVED
        switch_off_auto_top_up(customer=customer, because=because, by=by, at=at)
    return method
