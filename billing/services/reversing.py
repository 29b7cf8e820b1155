"""Taking back what an event was charged, in the books of its customer."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.models import Charge, UsageEvent
from billing.queries.accounts import Account
from billing.queries.calls import list_charges
from billing.services.rollups import KeyDay, Rollups, UsageKey
from ledger.money import WIDE
from ledger.posting import Cause, OpenWallet
from ledger.queries import list_run
from ledger.reversing import Reversal, reverse

_NEGATED = ("quantity", "billed", "flat", "amount")
_KEPT = [
    field.attname
    for field in Charge._meta.concrete_fields
    if not field.primary_key and field.attname not in _NEGATED
]


def take_back(
    event: UsageEvent,
    account: Account,
    wallet: OpenWallet,
    *,
    correction_id: int,
    period_start: datetime,
    why: Cause,
) -> Reversal:
    """Store an event's charges once more, below zero, and give its credits back.

    They count in the given period; if that is not the event's, they say which one they
    correct. The entries are in the wallet, and still to be written.
    """
    is_open = event.period_start == period_start
    placed = {
        "correction_id": correction_id,
        "period_start": period_start,
        "corrects": None if is_open else event.period_start,
        "recorded_at": wallet.recorded_at,
    }
    charges = [_negate(charge) | placed for charge in list_charges(event)]
    taken = Charge.objects.bulk_create(Charge(**values) for values in charges)
    entries = list_run(
        wallet_id=wallet.id,
        first=event.first_entry,
        last=event.last_entry,
        recorded_at=event.recorded_at,
    )
    reversal = reverse(wallet, entries, why)
    rollups = Rollups()
    _count_usage(rollups, taken, account)
    _count_key(rollups, event, account)
    for lot_id, amount in reversal.parts:
        given = WIDE.minus(amount)
        rollups.add_funding(account.id, period_start, lot_id, given)
    rollups.write()
    return reversal


def _negate(charge: Charge) -> dict[str, Any]:
    kept = {name: getattr(charge, name) for name in _KEPT}
    return kept | {name: _minus(getattr(charge, name)) for name in _NEGATED}


def _minus(number: Decimal | None) -> Decimal | None:
    # Unlike `copy_negate`, it makes no -0.
    return None if number is None else WIDE.minus(number)


def _count_key(rollups: Rollups, event: UsageEvent, account: Account) -> None:
    if event.api_key_id is None:
        return
    day = event.occurred_at.astimezone(account.zone).date()
    spent_on = KeyDay(account.id, event.api_key_id, day, event.model)
    rollups.add_key_usage(spent_on, -1, WIDE.minus(event.amount))


def _count_usage(rollups: Rollups, taken: Iterable[Charge], account: Account) -> None:
    counted: set[UsageKey] = set()
    for charge in taken:
        key = UsageKey(
            account.id,
            charge.period_start,
            charge.occurred_at.astimezone(account.zone).date(),
            charge.model,
            charge.rate_id,
            charge.band_id,
            charge.tier,
            charge.discount,
            charge.corrects,
        )
        # Several charges of one call may have one key: it was one call.
        calls = 0 if key in counted else -1
        rollups.add_usage(key, calls, charge.quantity, charge.amount)
        counted.add(key)
