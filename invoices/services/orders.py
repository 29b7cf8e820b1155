"""Ending orders that nobody paid for."""

from datetime import datetime

from django.db import transaction

from invoices.models import Invoice
from invoices.queries.orders import stale_orders
from invoices.services.voiding import void
from ledger.posting import lock_wallets

ACTOR = "order sweep"


@transaction.atomic
def void_stale_order(*, invoice_id: int, at: datetime) -> bool:
    """Void the invoice of a purchase that was left unpaid for `ORDER_LASTS_DAYS`.

    One that is being paid for stays open. Money that still comes goes back whole.
    Returns whether it was voided just now.
    """
    invoice = Invoice.objects.select_related("customer").get(pk=invoice_id)
    # The wallet's lock is taken first, then the invoice's, as `mark_paid` does.
    lock_wallets([invoice.customer.wallet_id])
    Invoice.objects.select_for_update().get(pk=invoice_id)
    # A statement of its own: it sees what has happened before the locks were there.
    return void(stale_orders(at=at).filter(pk=invoice_id), by=ACTOR, at=at)
