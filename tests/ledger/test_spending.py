from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from ledger.models import Book, Entry, Kind, Source, Wallet
from ledger.posting import OpenWallet, lock_wallets
from ledger.queries import Balance, get_balance, list_entries, list_open_lots
from tests import audit, make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def balance_of(wallet: Wallet, *, at: datetime = make.NOW) -> Balance:
    return get_balance(wallet_id=wallet.pk, at=at)


def lock(wallet: Wallet) -> OpenWallet:
    with transaction.atomic():
        return lock_wallets([wallet.pk])[wallet.pk]


class TestSpend:
    def test_posts_one_entry_for_each_lot_that_paid(self) -> None:
        wallet = make.wallet()
        free = make.lot(wallet, "3", source=Source.PROMOTION)
        paid = make.lot(wallet, "10")

        parts = make.spend(wallet, "5")

        assert parts == [(free.pk, 3), (paid.pk, 2)]
        usage = Entry.objects.filter(kind=Kind.USAGE).order_by("sequence")
        assert [make.row(e.lot_id, e.amount, e.balance_after) for e in usage] == [
            (free.pk, -3, 10),
            (paid.pk, -2, 8),
        ]

    def test_books_usage_as_consumed_when_it_happened(self) -> None:
        wallet = make.wallet()
        make.lot(wallet, "10")

        make.spend(wallet, "5", at=make.NOW - DAY)

        entry = Entry.objects.get(kind=Kind.USAGE)
        assert entry.book == Book.CONSUMED
        assert entry.occurred_at == make.NOW - DAY
        assert str(entry).startswith("usage -5 (")

    def test_goes_into_overdraft_when_no_lot_covers_it(self) -> None:
        wallet = make.wallet()
        lot = make.lot(wallet, "3")

        parts = make.spend(wallet, "5")

        wallet.refresh_from_db()
        assert parts == [(lot.pk, 3), (None, 2)]
        assert wallet.balance == -2

    def test_lets_an_expired_lot_pay_for_what_happened_before(self) -> None:
        wallet = make.wallet()
        lot = make.lot(wallet, "10", expires_at=make.NOW - DAY)

        parts = make.spend(wallet, "4", at=make.NOW - 2 * DAY)

        assert parts == [(lot.pk, 4)]

    def test_lets_no_lot_pay_for_what_happened_before_it_started(self) -> None:
        wallet = make.wallet()
        make.lot(wallet, "10", starts_at=make.NOW - DAY)

        assert make.spend(wallet, "4", at=make.NOW - 2 * DAY) == [(None, 4)]

    def test_of_a_large_lot_leaves_the_last_digit(self) -> None:
        wallet = make.wallet()
        lot = make.lot(wallet, "12345678901.123456789012345678")

        make.spend(wallet, "12345678901.123456789012345677")

        lot.refresh_from_db()
        assert lot.remaining == Decimal("0.000000000000000001")
        assert not audit.differences()


class TestAvailable:
    def test_counts_only_lots_that_may_pay_now(self) -> None:
        wallet = make.wallet()
        make.lot(wallet, "10")
        make.lot(wallet, "5", expires_at=make.NOW)
        make.lot(wallet, "7", starts_at=make.NOW + DAY)

        locked = lock(wallet)

        assert locked.balance == 22
        assert locked.available(make.NOW) == 10
        assert locked.overdraft == 0

    def test_is_less_by_the_overdraft(self) -> None:
        wallet = make.wallet()
        make.lot(wallet, "10", starts_at=make.NOW)
        make.spend(wallet, "4", at=make.NOW - DAY)

        locked = lock(wallet)

        assert locked.overdraft == 4
        assert locked.available(make.NOW) == 6


class TestGetBalance:
    def test_of_an_empty_wallet_is_zero(self) -> None:
        assert balance_of(make.wallet()) == Balance(
            currency="USD",
            book=Decimal(0),
            available=Decimal(0),
            paid=Decimal(0),
            promotional=Decimal(0),
            overdraft=Decimal(0),
            next_expiry=None,
            next_expiry_amount=Decimal(0),
        )

    def test_tells_paid_from_promotional(self) -> None:
        wallet = make.wallet()
        make.lot(wallet, "10")
        make.lot(wallet, "3", source=Source.TRIAL)

        balance = balance_of(wallet)

        assert make.row(balance.paid, balance.promotional) == (10, 3)
        assert balance.available == 13

    def test_drops_a_lot_when_it_expires_whatever_the_sweeper_does(self) -> None:
        wallet = make.wallet()
        make.lot(wallet, "10", expires_at=make.NOW)

        before = balance_of(wallet, at=make.NOW - timedelta(microseconds=1))
        after = balance_of(wallet)

        assert make.row(before.available, after.available) == (10, 0)
        assert make.row(before.book, after.book) == (10, 10)

    def test_shows_what_was_used_beyond_all_lots(self) -> None:
        wallet = make.wallet()
        make.lot(wallet, "3")
        make.spend(wallet, "5")

        balance = balance_of(wallet)

        assert make.row(balance.overdraft, balance.available, balance.book) == (
            2,
            -2,
            -2,
        )

    def test_names_the_next_expiry_and_all_that_expires_then(self) -> None:
        wallet = make.wallet()
        for amount, days in (("1", 2), ("2", 1), ("4", 1)):
            make.lot(wallet, amount, expires_at=make.NOW + days * DAY)
        make.lot(wallet, "8")

        balance = balance_of(wallet)

        assert balance.next_expiry == make.NOW + DAY
        assert balance.next_expiry_amount == 6


def test_open_lots_are_listed_oldest_first_without_the_spent_ones() -> None:
    wallet = make.wallet()
    spent, first, second = (make.lot(wallet, "4") for _ in range(3))
    make.spend(wallet, "4")

    assert list(list_open_lots(wallet_id=wallet.pk)) == [first, second]
    assert spent.pk < first.pk


def test_entries_are_listed_newest_first() -> None:
    wallet = make.wallet()
    make.lot(wallet, "4")
    make.spend(wallet, "1")

    kinds = [entry.kind for entry in list_entries(wallet_id=wallet.pk)]

    assert kinds == [Kind.USAGE, Kind.GRANT]
