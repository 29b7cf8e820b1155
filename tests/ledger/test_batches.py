"""Any way of cutting a history of usage into batches comes to the same."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import Entry, Source, Wallet
from ledger.posting import Cause, lock_wallets, write_entries
from tests import audit, make

HOUR = timedelta(hours=1)
Use = tuple[str, datetime]

hours = st.integers(-3, 3).map(lambda number: make.NOW + number * HOUR)
amounts = st.one_of(
    st.integers(1, 9).map(str),
    st.decimals("0.000000000000000001", 9, places=18).map(str),
)
lots = st.lists(
    st.fixed_dictionaries(
        {
            "amount": amounts,
            "source": st.sampled_from(Source),
            "priority": st.integers(0, 1),
            "starts_at": hours.map(lambda at: at - 3 * HOUR),
            "expires_at": st.one_of(st.none(), hours.map(lambda at: at + 4 * HOUR)),
        }
    ),
    max_size=4,
)
uses = st.lists(st.tuples(amounts, hours), min_size=2, max_size=8)


@pytest.mark.django_db
@settings(max_examples=60)
@given(data=st.data(), lots=lots, uses=uses)
def test_a_history_cut_anywhere_leaves_the_same_lots(
    data: st.DataObject, lots: list[dict[str, Any]], uses: list[Use]
) -> None:
    cuts = data.draw(st.sets(st.integers(1, len(uses) - 1)), label="cuts")
    whole, cut = _wallet_with(lots), _wallet_with(lots)

    _use(whole, uses)
    for batch in _cut(uses, cuts):
        _use(cut, batch)

    assert _history_of(cut) == _history_of(whole)
    assert audit.differences() == []


def _wallet_with(lots: list[dict[str, Any]]) -> Wallet:
    wallet = make.wallet()
    for lot in lots:
        make.lot(wallet, **lot)
    return wallet


def _cut(uses: list[Use], cuts: set[int]) -> Iterator[list[Use]]:
    bounds = [0, *sorted(cuts), len(uses)]
    for start, end in pairwise(bounds):
        yield uses[start:end]


@transaction.atomic
def _use(wallet: Wallet, batch: list[Use]) -> None:
    locked = lock_wallets([wallet.pk])[wallet.pk]
    for amount, at in batch:
        locked.spend(Decimal(amount), Cause("event:1", "test", at))
    write_entries([locked])


def _history_of(wallet: Wallet) -> list[tuple[object, ...]]:
    """Return what moved, and what it left, with lots by their place in the wallet."""
    lots = list(wallet.lots.order_by("pk"))
    places: dict[int | None, int] = {lot.pk: place for place, lot in enumerate(lots)}
    entries = Entry.objects.filter(wallet=wallet).order_by("sequence")
    moves: list[tuple[object, ...]] = [
        (entry.kind, places.get(entry.lot_id), entry.amount, entry.balance_after)
        for entry in entries
    ]
    return moves + [(place, lot.remaining) for place, lot in enumerate(lots)]
