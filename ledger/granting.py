"""What a grant moves: a new lot, and the overdraft that it settles first. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ledger.burn_down import OpenLot
from ledger.models import Book, Kind, Source

_BOOKS = {
    Source.PURCHASE: Book.CASH,
    Source.PROMOTION: Book.PROMOTION,
    Source.TRIAL: Book.PROMOTION,
    Source.ADJUSTMENT: Book.PROMOTION,
}


@dataclass(frozen=True, slots=True)
class Move:
    """One entry that a grant makes, on its lot or on the wallet's overdraft."""

    kind: Kind
    book: Book
    amount: Decimal
    is_on_lot: bool


def plan_grant(
    source: Source, lot: OpenLot, *, overdraft: Decimal, at: datetime
) -> list[Move]:
    """Return the entries of a new lot, whose `remaining` is all that it grants.

    An overdraft is settled from it at once, if the lot may pay at that instant: what
    was settled can no longer expire.
    """
    moves = [Move(Kind.GRANT, _BOOKS[source], lot.remaining, is_on_lot=True)]
    settled = min(overdraft, lot.remaining)
    if settled > 0 and lot.covers(at):
        taken = settled.copy_negate()
        moves += [
            Move(Kind.SETTLEMENT, Book.RECEIVABLE, taken, is_on_lot=True),
            Move(Kind.SETTLEMENT, Book.RECEIVABLE, settled, is_on_lot=False),
        ]
    return moves
