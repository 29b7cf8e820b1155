"""Giving an invoice its number, which freezes it."""

from datetime import UTC, datetime

from invoices.models import Invoice, Status
from invoices.numbering import next_number

SERIES = "INV"


def issue(invoice: Invoice, *, at: datetime) -> None:
    """Give a draft its number, for ever; with nothing due it is paid at once.

    Runs in the caller's transaction.
    """
    is_settled = not invoice.amount_due
    invoice.number = next_number(series=SERIES, year=at.astimezone(UTC).year)
    invoice.status = Status.PAID if is_settled else Status.OPEN
    invoice.finalized_at = at
    invoice.paid_at = at if is_settled else None
    invoice.save(update_fields=["number", "status", "finalized_at", "paid_at"])
