"""Making open invoices void."""

from datetime import datetime

from django.db.models import QuerySet

from invoices.models import Invoice, Status


def void(invoices: QuerySet[Invoice], *, by: str, at: datetime) -> bool:
    """Void those of the invoices that are open, and note when and by whom.

    Runs in the caller's transaction, with their wallets locked. Returns whether there
    was one.
    """
    still_open = invoices.filter(status=Status.OPEN)
    return bool(still_open.update(status=Status.VOID, voided_at=at, voided_by=by))
