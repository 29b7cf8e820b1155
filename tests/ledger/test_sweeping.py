"""How often and how late the sweep runs changes nothing of what customers have."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.models import Entry, Kind, Source, Wallet
from ledger.services import expire_wallet
from tests import audit, make

HOUR = timedelta(hours=1)
# How late a call may come, and how much later a lot is swept: as in production, where
# both are days.
WINDOW = 3 * HOUR
END = make.NOW + 20 * HOUR
Call = tuple[int, int]

expiries = st.lists(
    st.tuples(st.integers(3, 9), st.sampled_from([None, 1, 2, 3])),
    min_size=1,
    max_size=4,
)
# When a call is received, and how long before that it happened, in hours.
calls = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=3, max_size=8
)
sweeps = st.sets(st.integers(3, 6), min_size=1)


@pytest.mark.django_db
@settings(max_examples=60)
@given(expiries=expiries, calls=calls, sweeps=sweeps)
def test_sweeping_often_or_once_leaves_the_same(
    expiries: list[tuple[int, int | None]], calls: list[Call], sweeps: set[int]
) -> None:
    often, once = _wallet_with(expiries), _wallet_with(expiries)

    for hour in range(7):
        if hour in sweeps:
            _sweep(often, hour)
        for wallet in (often, once):
            _receive(wallet, calls, hour)
    for wallet in (often, once):
        expire_wallet(wallet_id=wallet.pk, expired_before=END, actor="sweep")

    assert _outcome(often) == _outcome(once)
    assert audit.differences() == []


def _wallet_with(expiries: list[tuple[int, int | None]]) -> Wallet:
    wallet = make.wallet()
    for place, (amount, hours) in enumerate(expiries):
        source = list(Source)[place % 2]
        expires_at = make.NOW + hours * HOUR if hours else None
        make.lot(wallet, str(amount), source=source, expires_at=expires_at)
    return wallet


def _sweep(wallet: Wallet, hour: int) -> None:
    expired_before = make.NOW + hour * HOUR - WINDOW
    expire_wallet(wallet_id=wallet.pk, expired_before=expired_before, actor="sweep")


def _receive(wallet: Wallet, calls: list[Call], hour: int) -> None:
    for received, late in calls:
        if received == hour:
            make.spend(wallet, "2", at=make.NOW + (hour - late) * HOUR)


def _outcome(wallet: Wallet) -> list[tuple[object, ...]]:
    """Return what each lot paid, what of it expired and when, and what is left."""
    return [
        (
            lot.remaining,
            _sum_of(wallet, lot.pk, Kind.USAGE),
            _sum_of(wallet, lot.pk, Kind.EXPIRY),
            Entry.objects.filter(lot=lot, kind=Kind.EXPIRY)
            .values_list("occurred_at", flat=True)
            .first(),
        )
        for lot in wallet.lots.order_by("pk")
    ] + [(_sum_of(wallet, None, Kind.USAGE),)]


def _sum_of(wallet: Wallet, lot_id: int | None, kind: Kind) -> Decimal:
    entries = Entry.objects.filter(wallet=wallet, lot=lot_id, kind=kind)
    return sum((entry.amount for entry in entries), Decimal(0))
