from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from ledger.models import Book, Entry, Kind, Wallet
from ledger.queries import list_expiring_wallets
from ledger.services import expire_wallet
from tests import audit, make

pytestmark = pytest.mark.django_db
EXPIRY = make.NOW - timedelta(days=40)
INSTANT = timedelta(microseconds=1)


def expire(wallet: Wallet, *, before: datetime = EXPIRY) -> int:
    return expire_wallet(wallet_id=wallet.pk, expired_before=before, actor="sweep")


def test_takes_what_is_left_of_a_lot() -> None:
    wallet = make.wallet()
    lot = make.lot(wallet, "10", expires_at=EXPIRY)
    make.spend(wallet, "4", at=EXPIRY - INSTANT)

    swept = expire(wallet)

    lot.refresh_from_db()
    wallet.refresh_from_db()
    assert swept == 1
    assert make.row(lot.remaining, wallet.balance) == (0, 0)
    assert lot.expired_at is not None


def test_posts_the_entry_at_the_expiry() -> None:
    wallet = make.wallet()
    lot = make.lot(wallet, "10", expires_at=EXPIRY)

    expire(wallet)

    entry = Entry.objects.get(kind=Kind.EXPIRY)
    assert make.row(entry.amount, entry.book, entry.lot) == (-10, Book.EXPIRED, lot)
    assert (entry.occurred_at, entry.actor) == (EXPIRY, "sweep")
    assert entry.cause == f"lot:{lot.pk}"


def test_waits_for_the_end_of_the_settlement_window() -> None:
    wallet = make.wallet()
    lot = make.lot(wallet, "10", expires_at=EXPIRY)

    swept = expire(wallet, before=EXPIRY - INSTANT)

    lot.refresh_from_db()
    assert swept == 0
    assert lot.remaining == 10


def test_spares_lots_without_an_expiry() -> None:
    wallet = make.wallet()
    make.lot(wallet, "10")

    assert expire(wallet, before=make.NOW) == 0


def test_runs_twice_and_posts_once() -> None:
    wallet = make.wallet()
    make.lot(wallet, "10", expires_at=EXPIRY)

    assert [expire(wallet), expire(wallet)] == [1, 0]
    assert Entry.objects.filter(kind=Kind.EXPIRY).count() == 1
    assert not audit.differences()


def test_takes_a_large_lot_to_the_last_digit() -> None:
    wallet = make.wallet()
    make.lot(wallet, "12345678901.123456789012345678", expires_at=EXPIRY)

    expire(wallet)

    entry = Entry.objects.get(kind=Kind.EXPIRY)
    assert entry.amount == Decimal("-12345678901.123456789012345678")
    assert entry.balance_after == 0


def test_usage_after_the_sweep_no_longer_finds_the_lot() -> None:
    wallet = make.wallet()
    make.lot(wallet, "10", expires_at=EXPIRY)
    expire(wallet)

    assert make.spend(wallet, "4", at=EXPIRY - INSTANT) == [(None, 4)]


def test_lists_the_wallets_with_something_to_sweep() -> None:
    due, spent, swept, later, endless = (make.wallet() for _ in range(5))
    for wallet in (due, due, spent, swept):
        make.lot(wallet, "1", expires_at=EXPIRY)
    make.lot(later, "1", expires_at=EXPIRY + INSTANT)
    make.lot(endless, "1")
    make.spend(spent, "1", at=EXPIRY - INSTANT)
    expire(swept)

    assert list_expiring_wallets(expired_before=EXPIRY) == [due.pk]
