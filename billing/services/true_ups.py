"""Settling what prices by the period ask for, or give back, once it ends."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from billing.models import Customer, FundingRollup, TrueUp
from billing.periods import Period
from billing.queries.true_ups import list_true_ups, work_out_true_ups
from billing.services.alerts import follow_balance, spendable
from billing.services.rollups import Rollups
from ledger.giving_back import give_back
from ledger.models import Kind
from ledger.money import total
from ledger.posting import Cause, OpenWallet, lock_wallets, write_entries

ACTOR = "true-up"
_INSTANT = timedelta(microseconds=1)


@transaction.atomic
def true_up_period(*, customer: Customer, period: Period, at: datetime) -> list[TrueUp]:
    """Settle a closed period once; doing it again returns the first result.

    What is asked for is debited as usage of the period's last instant. What is given
    back goes to the lots that paid in the period, those that were drawn last first.
    """
    wallet = lock_wallets([customer.wallet_id])[customer.wallet_id]
    stored = list_true_ups(customer=customer, period=period)
    if stored:
        return stored
    due = work_out_true_ups(customer=customer, period=period)
    if due:
        TrueUp.objects.bulk_create(due)
        amount = total(each.amount for each in due)
        _post(customer, wallet, period, amount)
        available = spendable(wallet, at)
        follow_balance(customer_id=customer.pk, available=available, at=at)
    return due


def _post(
    customer: Customer, wallet: OpenWallet, period: Period, amount: Decimal
) -> None:
    why = Cause(cause_of(period.start), ACTOR, period.end - _INSTANT)
    if amount > 0:
        parts = wallet.spend(amount, why, kind=Kind.TRUE_UP)
    else:
        funding = FundingRollup.objects.filter(
            customer=customer, period_start=period.start
        )
        funded: dict[int | None, Decimal] = {
            each.lot_id: each.amount for each in funding
        }
        parts = give_back(wallet, -amount, funded, why, kind=Kind.TRUE_UP)
    write_entries([wallet])
    rollups = Rollups()
    for lot_id, part in parts:
        rollups.add_funding(customer.pk, period.start, lot_id, part)
    rollups.write()


def cause_of(period_start: datetime) -> str:
    """Return what the entries of a period's true-up name as their cause."""
    return f"true_up:{period_start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
