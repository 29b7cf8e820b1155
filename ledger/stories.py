"""A lot's own story: what became of its credits, by entry. Nothing here writes."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet, Sum

from ledger.database import one_snapshot
from ledger.lot_sums import LotSums, sum_entries
from ledger.models import CreditLot, Entry
from ledger.money import WIDE, ZERO

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """An entry of a lot, and what the lot held after it."""

    entry: Entry
    remaining: Decimal


@dataclass(frozen=True, slots=True)
class LotStory:
    """A lot with the sums of its entries, and some of these, newest first.

    `next_before` is the sequence before which the next page lies, if there is one.
    """

    lot: CreditLot
    sums: LotSums
    entries: list[StoryEntry]
    next_before: int | None


def get_story(
    *, wallet_id: int, lot_id: int, before: int | None = None, size: int = PAGE_SIZE
) -> LotStory:
    """Return the story of a wallet's lot, with the entries before a sequence.

    :raises CreditLot.DoesNotExist: if the wallet has no such lot.
    """
    # Of one moment, or the remainders would not lead to what is shown as left.
    with one_snapshot():
        lot = CreditLot.objects.get(pk=lot_id, wallet=wallet_id)
        entries = Entry.objects.filter(lot=lot)
        sums = sum_entries(entries).get(lot.pk, LotSums())
        remaining = lot.remaining
        if before is not None:
            remaining = WIDE.subtract(remaining, _sum_from(entries, before))
            entries = entries.filter(sequence__lt=before)
        # One more than is shown tells whether there is another page.
        found = list(entries.order_by("-sequence")[: size + 1])
    next_before = found[size - 1].sequence if len(found) > size else None
    return LotStory(lot, sums, _with_remainders(found[:size], remaining), next_before)


def _sum_from(entries: QuerySet[Entry], sequence: int) -> Decimal:
    newer = entries.filter(sequence__gte=sequence)
    moved: Decimal = newer.aggregate(moved=Sum("amount", default=ZERO))["moved"]
    return moved


def _with_remainders(entries: list[Entry], remaining: Decimal) -> list[StoryEntry]:
    """Count back from what the lot held after the newest of them."""
    rows = []
    for entry in entries:
        rows.append(StoryEntry(entry, remaining))
        remaining = WIDE.subtract(remaining, entry.amount)
    return rows
