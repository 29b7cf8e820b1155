"""A sweep and a burn at one instant: neither touches more than the lot it is about."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db.models import Sum

from ledger.models import CreditLot, Entry, Kind, Wallet
from ledger.services import expire_wallet
from tests import audit, make
from tests.threads import run_at_once, run_behind

pytestmark = pytest.mark.django_db(transaction=True)
END = make.NOW
BEFORE = END - timedelta(microseconds=1)


@pytest.fixture
def wallet() -> Wallet:
    """Return a wallet with 10 that have just expired, and 10 that were paid."""
    made = make.wallet()
    make.lot(made, "10", expires_at=END)
    make.lot(made, "10")
    return made


def sweep(wallet: Wallet) -> int:
    return expire_wallet(wallet_id=wallet.pk, expired_before=END, actor="sweep")


def moved(kind: Kind, lot: CreditLot) -> Decimal:
    """Return how much of a lot went away by one kind of entry."""
    found = Entry.objects.filter(kind=kind, lot=lot).aggregate(Sum("amount"))
    return -(found["amount__sum"] or Decimal(0))


def lots_of(wallet: Wallet) -> tuple[CreditLot, CreditLot]:
    expiring, paid = wallet.lots.order_by("pk")
    return expiring, paid


@pytest.mark.parametrize(
    ("burn", "burnt", "expired", "paid_for"),
    [("6", 6, 4, 0), ("10", 10, 0, 0), ("12", 10, 0, 2)],
)
def test_a_sweep_behind_a_burn_takes_just_what_the_burn_left(
    wallet: Wallet, burn: str, burnt: int, expired: int, paid_for: int
) -> None:
    run_behind(
        partial(make.spend, wallet, burn, at=BEFORE),
        [partial(sweep, wallet)],
        commit=True,
    )

    lot, paid = lots_of(wallet)
    assert make.row(moved(Kind.USAGE, lot), moved(Kind.EXPIRY, lot)) == (burnt, expired)
    assert make.row(moved(Kind.USAGE, paid), moved(Kind.EXPIRY, paid)) == (paid_for, 0)
    assert audit.differences() == []


@pytest.mark.parametrize("burn", ["6", "10"])
def test_a_burn_behind_a_sweep_is_paid_by_what_is_left(
    wallet: Wallet, burn: str
) -> None:
    run_behind(
        partial(sweep, wallet),
        [partial(make.spend, wallet, burn, at=BEFORE)],
        commit=True,
    )

    lot, paid = lots_of(wallet)
    assert make.row(moved(Kind.USAGE, lot), moved(Kind.EXPIRY, lot)) == (0, 10)
    assert make.row(moved(Kind.USAGE, paid), moved(Kind.EXPIRY, paid)) == (int(burn), 0)
    assert audit.differences() == []


def test_a_burn_behind_a_sweep_that_is_rolled_back_finds_the_lot(
    wallet: Wallet,
) -> None:
    run_behind(
        partial(sweep, wallet),
        [partial(make.spend, wallet, "6", at=BEFORE)],
        commit=False,
    )

    lot, paid = lots_of(wallet)
    assert make.row(lot.remaining, paid.remaining) == (4, 10)


def test_ten_sweeps_at_once_expire_a_lot_once(wallet: Wallet) -> None:
    swept = run_at_once([partial(sweep, wallet)] * 10)

    lot, paid = lots_of(wallet)
    assert sorted(swept) == [0] * 9 + [1]
    assert make.row(moved(Kind.EXPIRY, lot), paid.remaining) == (10, 10)


def test_whoever_comes_first_the_parts_add_up(wallet: Wallet) -> None:
    calls: list[Callable[[], object]] = [
        partial(make.spend, wallet, "2", at=BEFORE) for _ in range(5)
    ]
    calls += [partial(sweep, wallet)] * 2

    run_at_once(calls)

    lot, paid = lots_of(wallet)
    burnt, expired = moved(Kind.USAGE, lot), moved(Kind.EXPIRY, lot)
    assert burnt + expired == 10
    assert moved(Kind.USAGE, paid) == 10 - burnt
    assert moved(Kind.EXPIRY, paid) == 0
    assert audit.differences() == []
