"""What credits that are yet to be given would do. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.models import Customer
from ledger.burn_down import OpenLot
from ledger.granting import Move, plan_grant
from ledger.models import Source
from ledger.money import WIDE
from ledger.queries import Balance, get_balance


@dataclass(frozen=True, slots=True)
class GrantPreview:
    """The entries that a grant would make now, and what may be spent after them."""

    moves: list[Move]
    before: Balance
    available: Decimal


def preview_grant(
    *,
    customer: Customer,
    source: Source,
    amount: Decimal,
    starts_at: datetime | None,
    expires_at: datetime | None,
    at: datetime,
) -> GrantPreview:
    """Return what giving a customer these credits at an instant would do."""
    before = get_balance(wallet_id=customer.wallet_id, at=at)
    # Neither its rank nor its id says what a new lot settles.
    lot = OpenLot(0, False, 0, starts_at or at, expires_at, amount)
    moves = plan_grant(source, lot, overdraft=before.overdraft, at=at)
    gained = amount if lot.covers(at) else Decimal(0)
    return GrantPreview(moves, before, WIDE.add(before.available, gained))
