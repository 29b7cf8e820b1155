"""Giving some of a period's credits back to the lots that paid for it.

Everything here runs inside the transaction of a public service.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from ledger.models import Book, Kind
from ledger.money import WIDE
from ledger.posting import Cause, OpenWallet
from ledger.reversing import expire_again, reopen_lots

Paid = Mapping[int | None, Decimal]


def give_back(
    wallet: OpenWallet, amount: Decimal, paid: Paid, why: Cause, *, kind: Kind
) -> list[tuple[int | None, Decimal]]:
    """Give an amount back to those that paid, what was overdrawn first.

    Then come the lots, those that are drawn from last first; none gets more than it
    paid, and what is left lifts the overdraft. A lot that the sweep had emptied loses
    it again, visibly. Returns the parts as lot id and amount, all below zero.
    """
    lots, swept = reopen_lots(wallet, paid)
    parts = list(_share(amount, paid, [lot.id for lot in wallet.lots]))
    for lot_id, part in parts:
        wallet.append(kind, Book.CONSUMED, part, lot_id=lot_id, why=why)
        if lot_id is not None:
            lots[lot_id].remaining = WIDE.add(lots[lot_id].remaining, part)
    expire_again(wallet, swept, why)
    return [(lot_id, part.copy_negate()) for lot_id, part in parts]


def _share(
    amount: Decimal, paid: Paid, in_burn_down_order: list[int]
) -> Iterator[tuple[int | None, Decimal]]:
    """Yield how much each payer gets, and what is left over."""
    for lot_id in (None, *reversed(in_burn_down_order)):
        part = min(paid.get(lot_id, Decimal(0)), amount)
        if part > 0:
            amount = WIDE.subtract(amount, part)
            yield lot_id, part
    if amount:
        yield None, amount
