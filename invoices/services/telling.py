"""Telling customers what became of their credits when money went back.

Everything here runs inside the transaction of a public service, with the wallet locked.
"""

from billing.models import NoticeKind
from billing.services.notices import write_notice
from invoices.models import CreditNote, Dispute, Payment, Refund
from ledger.money import as_text, total


def tell_refunded(refund: Refund, note: CreditNote) -> None:
    """Tell a customer once of a refund that has a credit note."""
    _tell(
        refund.payment,
        reference=f"refund:{refund.pk}:{refund.status}",
        facts=_facts(refund) | {"credit_note": note.number, "state": "refunded"},
    )


def tell_disputed(dispute: Dispute) -> None:
    """Tell a customer of a dispute that took credits: once open, and once decided."""
    facts = _facts(dispute)
    if facts["credits"] == "0":
        return
    _tell(
        dispute.payment,
        reference=f"dispute:{dispute.pk}:{dispute.status}",
        facts=facts | {"state": str(dispute.status)},
    )


def _facts(subject: Refund | Dispute) -> dict[str, object]:
    taken = (subject.credits, subject.bonus_credits, subject.overdrawn_credits)
    return {
        "money": as_text(subject.amount),
        "credits": as_text(total(taken)),
        "invoice": subject.payment.invoice.number,
    }


def _tell(payment: Payment, *, reference: str, facts: dict[str, object]) -> None:
    write_notice(
        customer_id=payment.invoice.customer_id,
        kind=NoticeKind.CREDITS_RETURNED,
        reference=reference,
        facts=facts,
    )
