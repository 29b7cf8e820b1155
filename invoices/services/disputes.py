"""What a bank says of a payment that its payer contests."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from invoices.models import Dispute, DisputeStatus, OffBecause, Payment
from invoices.payments import DisputeNews
from invoices.services.payments import PaymentMismatchError
from invoices.services.returns import ACTOR, reclaim
from invoices.services.taking import give_back, lift_owed, lock_payment, review
from invoices.services.telling import tell_disputed
from ledger.money import as_text

# What each may still change. A dispute that was lost may be won on appeal, for good.
_BEFORE = {
    DisputeStatus.OPEN: (),
    DisputeStatus.LOST: (DisputeStatus.OPEN,),
    DisputeStatus.WON: (DisputeStatus.OPEN, DisputeStatus.LOST),
}


@transaction.atomic
def note_dispute(*, payment: Payment, news: DisputeNews, at: datetime) -> Dispute:
    """Note how a dispute stands, and freeze, return or owe its credits accordingly.

    Its customer is told what that took, or that it is back.

    The same news again change nothing, nor do earlier ones that come later. More than
    was paid is all that was paid: a bank may add its fee.

    :raises PaymentMismatchError: if it is in another currency than the payment.
    """
    locked = lock_payment(payment.pk)
    dispute, _ = Dispute.objects.get_or_create(
        payment=locked,
        reference=news.dispute,
        defaults={
            "reason": news.reason[:200],
            "currency": locked.currency,
            "amount": _disputed(locked, news),
            "opened_at": at,
        },
    )
    dispute.payment = locked
    if dispute.status in _BEFORE[news.status]:
        _close(dispute, news.status, at)
    reclaim(locked, at=at)
    # Which took its credits by other instances.
    dispute.refresh_from_db()
    dispute.payment = locked
    tell_disputed(dispute)
    review(locked, because=OffBecause.DISPUTE, at=at)
    return dispute


def _disputed(payment: Payment, news: DisputeNews) -> Decimal:
    if news.currency != payment.currency:
        message = (
            f"{payment.reference}: {as_text(news.amount)} {news.currency} is disputed,"
            f" {as_text(payment.amount)} {payment.currency} was paid"
        )
        raise PaymentMismatchError(message)
    return min(news.amount, payment.amount)


def _close(dispute: Dispute, status: DisputeStatus, at: datetime) -> None:
    if status == DisputeStatus.WON:
        give_back(dispute, dispute.frozen_at, by=ACTOR, at=at)
        lift_owed(dispute, by=ACTOR, at=at)
    dispute.status, dispute.closed_at = status, at
    dispute.save()
