"""Where every credit of a wallet has gone, lot by lot and in all."""

from datetime import timedelta
from decimal import Decimal
from threading import Event, Thread

import pytest
from django.db import connection

from ledger.database import one_snapshot
from ledger.lot_sums import LotSums
from ledger.models import Book, CreditLot, Kind, Source, Wallet
from ledger.reconciliation import WalletReconciliation, reconcile_wallet
from ledger.services import expire_wallet, settle_receivable
from tests import make
from tests.ledger.history import post, sell
from tests.raw import execute, tampering

YESTERDAY = make.NOW - timedelta(days=1)


@pytest.fixture
def wallet() -> Wallet:
    return make.wallet()


def reconcile(wallet: Wallet) -> WalletReconciliation:
    return reconcile_wallet(wallet_id=wallet.pk)


def amounts(sums: LotSums) -> tuple[Decimal, ...]:
    return (
        sums.granted,
        sums.used,
        sums.given_back,
        sums.settled,
        sums.expired,
        sums.refunded,
        sums.left,
    )


@pytest.mark.django_db
class TestLots:
    def test_say_what_became_of_their_credits(self, wallet: Wallet) -> None:
        make.spend(wallet, "5")
        paid = sell(wallet, "50", price="45")
        make.spend(wallet, "20")
        post(wallet, Kind.REVERSAL, Book.CONSUMED, "3", lot=paid)
        post(wallet, Kind.REFUND, Book.REFUNDED, "-10", lot=paid)

        [row] = reconcile(wallet).lots
        assert amounts(row.sums) == make.row(50, -20, 3, -5, 0, -10, 18)
        assert row.is_equal

    def test_lose_what_expires_and_what_is_clawed_back(self, wallet: Wallet) -> None:
        make.lot(wallet, "5", source=Source.TRIAL, expires_at=YESTERDAY)
        expire_wallet(wallet_id=wallet.pk, expired_before=make.NOW, actor="sweep")
        bonus = make.lot(wallet, "4", source=Source.PROMOTION)
        post(wallet, Kind.REFUND, Book.PROMOTION, "-4", lot=bonus)
        post(wallet, Kind.REVERSAL, Book.PROMOTION, "1", lot=bonus)

        trial, promotion = reconcile(wallet).lots
        assert amounts(trial.sums) == make.row(5, 0, 0, 0, -5, 0, 0)
        assert amounts(promotion.sums) == make.row(4, 0, 0, 0, 0, -3, 1)
        assert trial.is_equal
        assert promotion.is_equal

    def test_count_calls_and_know_the_first_and_the_last(self, wallet: Wallet) -> None:
        make.lot(wallet, "5")
        for at in (make.NOW, YESTERDAY):
            make.spend(wallet, "1", at=at)

        [row] = reconcile(wallet).lots
        assert row.sums.calls == 2
        assert row.sums.first_used_at == YESTERDAY
        assert row.sums.last_used_at == make.NOW


@pytest.mark.django_db
class TestWallet:
    def test_adds_its_lots_and_its_overdraft_up(self, wallet: Wallet) -> None:
        sell(wallet, "50", price="45")
        make.lot(wallet, "4", source=Source.PROMOTION)
        make.spend(wallet, "60")
        settle_receivable(
            wallet_id=wallet.pk,
            amount=Decimal(2),
            reference="invoice:1",
            actor="payment",
            occurred_at=make.NOW,
        )
        post(wallet, Kind.REFUND, Book.REFUNDED, "-1", lot=None)

        found = reconcile(wallet)
        assert make.row(found.purchased, found.promotional) == (50, 4)
        assert make.row(found.consumed, found.settled) == (-60, 2)
        assert make.row(found.refunded, found.expired) == (-1, 0)
        assert found.overdraft.left == found.left == found.wallet.balance == -5
        assert found.is_equal

    def test_settles_its_overdraft_without_counting_it_twice(
        self, wallet: Wallet
    ) -> None:
        make.spend(wallet, "5")
        make.lot(wallet, "10")

        found = reconcile(wallet)
        assert make.row(found.consumed, found.left) == (-5, 5)
        assert make.row(found.overdraft.settled, found.overdraft.left) == (5, 0)
        assert found.is_equal

    def test_is_empty_at_first(self, wallet: Wallet) -> None:
        found = reconcile(wallet)

        assert (found.lots, found.overdraft) == ([], LotSums())
        assert found.is_equal

    @pytest.mark.parametrize(
        ("table", "change", "difference"),
        [
            ("ledger_wallet", "balance = 11", "balance: 10 expected, 11 stored"),
            ("ledger_creditlot", "remaining = 9", "remaining: 10 expected, 9 stored"),
            ("ledger_creditlot", "granted = 11", "granted: 10 expected, 11 stored"),
        ],
    )
    def test_notices_what_entries_do_not_say(
        self, wallet: Wallet, table: str, change: str, difference: str
    ) -> None:
        make.lot(wallet, "10")
        with tampering(table):
            execute(f"UPDATE {table} SET {change}")  # noqa: S608

        [found] = reconcile(wallet).differences
        assert found.endswith(difference)

    def test_notices_an_entry_of_no_known_book(self, wallet: Wallet) -> None:
        lot = make.lot(wallet, "10")
        make.spend(wallet, "4")
        with tampering("ledger_entry"):
            execute("UPDATE ledger_entry SET book = 'other' WHERE kind = 'usage'")

        found = reconcile(wallet)
        lot.refresh_from_db()
        assert make.row(found.left, lot.remaining) == (10, 6)
        assert not found.is_equal


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_does_not_see_what_is_recorded_meanwhile() -> None:
    wallet = make.wallet()
    make.lot(wallet, "10")

    with one_snapshot():
        before = Wallet.objects.get(pk=wallet.pk).balance
        _in_another_connection(wallet)
        after = CreditLot.objects.get(wallet=wallet).remaining

    assert before == after == 10
    assert CreditLot.objects.get(wallet=wallet).remaining == 9


def _in_another_connection(wallet: Wallet) -> None:
    done = Event()

    def spend() -> None:
        try:
            make.spend(wallet, "1")
            done.set()
        finally:
            connection.close()

    thread = Thread(target=spend)
    thread.start()
    thread.join()
    assert done.is_set()
