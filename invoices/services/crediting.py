"""Credit notes: what a refund takes back of its invoice, in writing.

Everything here runs inside the transaction of a public service, with the wallet locked.
"""

from datetime import UTC, datetime
from decimal import Decimal

from invoices.models import CreditNote, Invoice, Refund, RefundKind
from invoices.numbering import next_number
from invoices.services.telling import tell_refunded

SERIES = "CN"


def issue_credit_note(refund: Refund, *, at: datetime) -> CreditNote | None:
    """Write a refund's credit note, and tell its customer.

    There is none for money that was never owed.
    """
    if refund.kind == RefundKind.EXCESS:
        return None
    note = _issue(refund, refund.amount, refund.reason, at, refund=refund)
    tell_refunded(refund, note)
    return note


def cancel_credit_note(refund: Refund, *, at: datetime) -> CreditNote | None:
    """Take back the credit note of a refund that came to nothing, once; both stay."""
    canceled = CreditNote.objects.filter(refund=refund, canceled_by=None).first()
    if canceled is None:
        return None
    total = canceled.total.copy_negate()
    reason = f"cancels {canceled.number}: the refund failed"
    return _issue(refund, total, reason, at, cancels=canceled)


def _issue(
    subject: Refund, total: Decimal, reason: str, at: datetime, **links: object
) -> CreditNote:
    # Locked before the number is taken: for that, all other credit notes wait.
    invoice = Invoice.objects.select_for_update().get(pk=subject.payment.invoice_id)
    return CreditNote.objects.create(
        invoice=invoice,
        number=next_number(series=SERIES, year=at.astimezone(UTC).year),
        currency=subject.currency,
        total=total,
        reason=reason,
        issued_at=at,
        **links,
    )
