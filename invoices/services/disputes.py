"""What a bank says of a payment that its payer contests."""

from datetime import datetime

from django.db import transaction

from invoices.models import Dispute, DisputeStatus, OffBecause, Payment
from invoices.payments import DisputeNews
from invoices.services.returns import ACTOR, reclaim
from invoices.services.taking import give_back, lock_payment, review_alerts
from invoices.services.telling import tell_disputed


@transaction.atomic
def note_dispute(*, payment: Payment, news: DisputeNews, at: datetime) -> Dispute:
    """Note how a dispute stands, and freeze, return or owe its credits accordingly.

    Its customer is told what that took, or that it is back.

    The same news again change nothing, nor do earlier ones that come later: what was
    decided first stands.
    """
    locked = lock_payment(payment.pk)
    dispute, _ = Dispute.objects.get_or_create(
        payment=locked,
        reference=news.dispute,
        defaults={
            "reason": news.reason[:200],
            "currency": news.currency,
            "amount": news.amount,
            "opened_at": at,
        },
    )
    dispute.payment = locked
    if dispute.status == DisputeStatus.OPEN and news.status != DisputeStatus.OPEN:
        _close(dispute, news.status, at)
    reclaim(locked, at=at)
    # Which took its credits by other instances.
    dispute.refresh_from_db()
    dispute.payment = locked
    tell_disputed(dispute)
    review_alerts(locked, OffBecause.DISPUTE, at=at)
    return dispute


def _close(dispute: Dispute, status: DisputeStatus, at: datetime) -> None:
    if status == DisputeStatus.WON:
        give_back(dispute, dispute.frozen_at, by=ACTOR, at=at)
    dispute.status, dispute.closed_at = status, at
    dispute.save()
