"""What the ledger does by the clock. Each task is safe to run twice, or late."""

from datetime import datetime
from typing import Any

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from ledger.queries import list_expiring_wallets
from ledger.services import expire_wallet


@shared_task
def sweep_expired_lots(**_: Any) -> None:
    """Queue one job for each wallet with lots that are past their settlement window."""
    expired_before = timezone.now() - settings.SETTLEMENT_WINDOW
    for wallet_id in list_expiring_wallets(expired_before=expired_before):
        expire_lots.delay(
            wallet_id=wallet_id, expired_before=expired_before.isoformat()
        )


@shared_task
def expire_lots(*, wallet_id: int, expired_before: str, **_: Any) -> None:
    """Post what expired in one wallet."""
    before = datetime.fromisoformat(expired_before)
    expire_wallet(wallet_id=wallet_id, expired_before=before, actor="sweep")
