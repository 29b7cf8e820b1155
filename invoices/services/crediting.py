"""Credit notes: what a refund takes back of its invoice, in writing.

Everything here runs inside the transaction of a public service, with the wallet locked.
"""

from datetime import UTC, datetime

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
    # Locked before the number is taken: for that, all other credit notes wait.
    invoice = Invoice.objects.select_for_update().get(pk=refund.payment.invoice_id)
    note = CreditNote.objects.create(
        invoice=invoice,
        refund=refund,
        number=next_number(series=SERIES, year=at.astimezone(UTC).year),
        currency=refund.currency,
        total=refund.amount,
        reason=refund.reason,
        issued_at=at,
    )
    tell_refunded(refund, note)
    return note
