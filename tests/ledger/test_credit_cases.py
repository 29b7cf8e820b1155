"""What others found out about credits the hard way, each rule with its numbers."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from ledger.giving_back import give_back
from ledger.models import Book, CreditLot, Entry, Kind, Source, Wallet
from ledger.money import format_money
from ledger.posting import Cause, lock_wallets, write_entries
from ledger.queries import Balance, get_balance
from ledger.services import expire_wallet
from ledger.withdrawing import Withdrawal, withdraw_credits
from tests import audit, make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)


def left(*lots: CreditLot) -> list[Decimal]:
    stored = CreditLot.objects.in_bulk([lot.pk for lot in lots])
    return [stored[lot.pk].remaining for lot in lots]


def balance_of(wallet: Wallet, *, at: datetime = make.NOW) -> Balance:
    return get_balance(wallet_id=wallet.pk, at=at)


def sweep(wallet: Wallet, *, before: datetime = make.NOW) -> int:
    return expire_wallet(wallet_id=wallet.pk, expired_before=before, actor="sweep")


class TestWhichLotPays:
    def test_the_lower_priority_number_is_emptied_first(self) -> None:
        wallet = make.wallet()
        second = make.lot(wallet, "100", priority=2)
        first = make.lot(wallet, "100", priority=1)

        make.spend(wallet, "120")

        assert left(first, second) == decimals("0 80")

    def test_the_one_that_expires_a_day_earlier_pays_alone(self) -> None:
        wallet = make.wallet()
        end = make.NOW + 30 * DAY
        lots = [make.lot(wallet, "100", expires_at=end) for _ in range(4)]
        earlier = make.lot(wallet, "100", expires_at=end - DAY)

        make.spend(wallet, "99")

        assert left(earlier, *lots) == decimals("1 100 100 100 100")

    def test_among_equals_the_free_one_pays_and_then_the_oldest(self) -> None:
        wallet = make.wallet()
        end = make.NOW + 30 * DAY
        paid = make.lot(wallet, "10", expires_at=end)
        free = [
            make.lot(wallet, "10", source=source, expires_at=end)
            for source in (Source.PROMOTION, Source.TRIAL, Source.ADJUSTMENT)
        ]

        parts = make.spend(wallet, "35")

        assert parts == [(lot.pk, 10) for lot in free] + [(paid.pk, 5)]


class TestWhatNoLotCovers:
    def test_is_an_overdraft_of_the_wallet(self) -> None:
        wallet = make.wallet()

        make.spend(wallet, "50")

        balance = balance_of(wallet)
        assert make.row(balance.overdraft, balance.book) == (50, -50)
        assert not CreditLot.objects.exists()

    def test_after_a_grant_is_taken_away_is_all_that_is_used(self) -> None:
        wallet = make.wallet()
        lot = make.lot(wallet, "100")
        make.spend(wallet, "50")
        withdraw_credits(
            wallet_id=wallet.pk,
            withdrawals=[Withdrawal(lot.pk, Decimal(50), Book.REFUNDED)],
            kind=Kind.REFUND,
            cause="refund:1",
            actor="ada",
            occurred_at=make.NOW,
        )

        make.spend(wallet, "50")

        balance = balance_of(wallet)
        assert left(lot) == [0]
        assert make.row(balance.available, balance.overdraft) == (-50, 50)

    def test_is_settled_by_the_next_pack_and_can_expire_no_more(self) -> None:
        wallet = make.wallet()
        make.spend(wallet, "4")
        make.lot(wallet, "10", expires_at=make.NOW + DAY)

        sweep(wallet, before=make.NOW + DAY)

        assert Entry.objects.get(kind=Kind.EXPIRY).amount == -6
        assert balance_of(wallet).book == 0
        assert audit.differences() == []


class TestGivingBack:
    def test_eight_of_four_and_six_restores_six_and_then_two(self) -> None:
        wallet = make.wallet()
        first = make.lot(wallet, "4", source=Source.PROMOTION)
        second = make.lot(wallet, "6")
        paid = dict(make.spend(wallet, "10"))
        why = Cause(cause="correction:1", actor="ada", occurred_at=make.NOW)

        with transaction.atomic():
            locked = lock_wallets([wallet.pk])[wallet.pk]
            parts = give_back(locked, Decimal(8), paid, why, kind=Kind.REVERSAL)
            write_entries([locked])

        assert [make.row(*part) for part in parts] == [(second.pk, -6), (first.pk, -2)]
        assert left(first, second) == decimals("2 6")

    def test_to_a_lot_that_has_expired_is_lost_to_every_other_lot(self) -> None:
        wallet = make.wallet()
        over = make.lot(wallet, "5", source=Source.TRIAL, expires_at=make.NOW)
        other = make.lot(wallet, "5", source=Source.PROMOTION)
        paid = dict(make.spend(wallet, "2", at=make.NOW - INSTANT))
        sweep(wallet)
        why = Cause(cause="correction:1", actor="ada", occurred_at=make.NOW)

        with transaction.atomic():
            locked = lock_wallets([wallet.pk])[wallet.pk]
            give_back(locked, Decimal(2), paid, why, kind=Kind.REVERSAL)
            write_entries([locked])

        last = Entry.objects.order_by("-sequence")[:2]
        assert [make.row(e.kind, e.lot_id, e.amount) for e in last] == [
            (Kind.EXPIRY, over.pk, -2),
            (Kind.REVERSAL, over.pk, 2),
        ]
        assert left(over, other) == decimals("0 5")


def test_of_ten_dollars_four_and_a_half_used_leave_five_and_a_half() -> None:
    wallet = make.wallet()
    make.lot(wallet, "10.00")

    make.spend(wallet, "4.5")

    used = Entry.objects.get(kind=Kind.USAGE).amount
    assert used == Decimal("-4.5")
    assert format_money(balance_of(wallet).available, "USD") == "$5.50"


def decimals(texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts.split()]
