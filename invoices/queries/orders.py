"""Which orders wait to be paid in vain. Nothing here writes."""

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from invoices.models import Invoice, Kind, Payment, PaymentStatus, Status


def stale_orders(*, at: datetime) -> QuerySet[Invoice]:
    """Return the open invoices of purchases older than `ORDER_LASTS_DAYS`.

    None of them is being paid for: every payment that was begun has ended.
    """
    begun = Payment.objects.filter(invoice=OuterRef("pk"), status=PaymentStatus.PENDING)
    return Invoice.objects.filter(
        ~Exists(begun),
        kind=Kind.PURCHASE,
        status=Status.OPEN,
        drafted_at__lte=at - settings.ORDER_LASTS,
    )


def list_stale_orders(*, at: datetime) -> list[int]:
    """Return the ids of such invoices, oldest first."""
    return list(stale_orders(at=at).order_by("pk").values_list("pk", flat=True))
