"""Closing billing periods."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from billing.models import Customer
from ledger.posting import lock_wallets


@transaction.atomic
def close_period(*, customer: Customer, until: datetime) -> None:
    """Let no more usage into the periods before an instant.

    Batches under way finish first and are in; what comes after is billed in the
    period that is open then. A period never opens again.
    """
    # Metering reads `closed_until` under the same lock.
    lock_wallets([customer.wallet_id])
    is_open = Q(closed_until__isnull=True) | Q(closed_until__lt=until)
    Customer.objects.filter(is_open, pk=customer.pk).update(closed_until=until)
