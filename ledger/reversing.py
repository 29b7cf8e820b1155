"""Giving used credits back to the very lots that paid.

Everything here runs inside the transaction of a public service.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ledger.burn_down import OpenLot, in_burn_down_order
from ledger.models import Book, CreditLot, Entry, Kind
from ledger.money import WIDE
from ledger.posting import Cause, OpenWallet, open_lot


@dataclass(frozen=True, slots=True)
class Reversal:
    """What was given back, as lot id and amount, and the lots that must not keep it."""

    parts: list[tuple[int | None, Decimal]]
    swept: list[OpenLot]


def reverse(wallet: OpenWallet, entries: Sequence[Entry], why: Cause) -> Reversal:
    """Give back what entries took, to the lots that paid, last draw first.

    What no lot paid lifts the overdraft. The lots may be drawn from at once; what is
    left then of those that the sweep had emptied expires again: see `expire_again`.
    """
    lots, swept = reopen_lots(wallet, (entry.lot_id for entry in entries))
    parts: list[tuple[int | None, Decimal]] = []
    for entry in sorted(entries, key=lambda each: each.sequence, reverse=True):
        amount = entry.amount.copy_negate()
        because = replace(why, reverses=entry.sequence)
        book = Book(entry.book)
        wallet.append(Kind.REVERSAL, book, amount, lot_id=entry.lot_id, why=because)
        if entry.lot_id is not None:
            lot = lots[entry.lot_id]
            lot.remaining = WIDE.add(lot.remaining, amount)
        parts.append((entry.lot_id, amount))
    return Reversal(parts, swept)


def reopen_lots(
    wallet: OpenWallet, lot_ids: Iterable[int | None]
) -> tuple[dict[int, OpenLot], list[OpenLot]]:
    """Put some lots among the wallet's, which are those with credits left.

    Returns all of them by id, and the ones that the sweep had emptied.
    """
    lots = {lot.id: lot for lot in wallet.lots}
    wanted = {lot_id for lot_id in lot_ids if lot_id is not None}
    empty = CreditLot.objects.filter(wallet=wallet.id, pk__in=wanted - lots.keys())
    reopened = {lot.pk: (open_lot(lot), lot.expired_at) for lot in empty}
    lots |= {pk: lot for pk, (lot, _) in reopened.items()}
    wallet.lots = in_burn_down_order(lots.values())
    return lots, [lot for lot, expired_at in reopened.values() if expired_at]


def expire_again(wallet: OpenWallet, lots: Iterable[OpenLot], why: Cause) -> None:
    """Take what is left in lots that the sweep had emptied once: they stay empty.

    Write it together with what was given back to them, as the database demands.
    """
    for lot in lots:
        if lot.remaining:
            taken = lot.remaining.copy_negate()
            # A clock that was set back must not keep credits from returning.
            ended = max(why.occurred_at, lot.expires_at or why.occurred_at)
            again = replace(why, occurred_at=ended)
            wallet.append(Kind.EXPIRY, Book.EXPIRED, taken, lot_id=lot.id, why=again)
            lot.remaining = WIDE.add(lot.remaining, taken)
