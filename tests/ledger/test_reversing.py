from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from ledger.models import Book, CreditLot, Entry, Kind, Source, Wallet
from ledger.posting import Cause, OpenWallet, lock_wallets, write_entries
from ledger.reversing import expire_again, reverse
from ledger.services import expire_wallet
from tests import audit, make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
WHY = Cause(cause="correction:1", actor="ada", occurred_at=make.NOW)


def reverse_last(wallet: Wallet, *, then_spend: str = "0") -> OpenWallet:
    """Take back the wallet's last usage, spend some again, and store the entries."""
    last = Entry.objects.filter(wallet=wallet, kind=Kind.USAGE).latest("sequence")
    entries = Entry.objects.filter(wallet=wallet, cause=last.cause)
    with transaction.atomic():
        locked = lock_wallets([wallet.pk])[wallet.pk]
        reversal = reverse(locked, list(entries), WHY)
        if Decimal(then_spend):
            locked.spend(Decimal(then_spend), Cause("event:x", "test", make.NOW - DAY))
        expire_again(locked, reversal.swept, WHY)
        write_entries([locked])
    return locked


def rows(wallet: Wallet, *, after: int) -> list[tuple[object, ...]]:
    entries = Entry.objects.filter(wallet=wallet, sequence__gt=after)
    return [
        make.row(e.kind, e.lot_id, e.amount, e.reverses)
        for e in entries.order_by("sequence")
    ]


def remaining(lot: CreditLot) -> Decimal:
    lot.refresh_from_db()
    return lot.remaining


class TestReverse:
    def test_gives_back_in_reverse_draw_order(self) -> None:
        wallet = make.wallet()
        first = make.lot(wallet, "4", source=Source.PROMOTION)
        second = make.lot(wallet, "6")
        make.spend(wallet, "8")

        reverse_last(wallet)

        # 8 was 4 and 4: the last draw comes back first.
        assert rows(wallet, after=4) == [
            (Kind.REVERSAL, second.pk, 4, 4),
            (Kind.REVERSAL, first.pk, 4, 3),
        ]
        assert make.row(remaining(first), remaining(second)) == (4, 6)
        assert audit.differences() == []

    def test_books_it_as_consumed_no_more(self) -> None:
        wallet = make.wallet()
        make.lot(wallet, "5")
        make.spend(wallet, "2")

        reverse_last(wallet)

        entry = Entry.objects.get(kind=Kind.REVERSAL)
        assert (entry.book, entry.cause, entry.actor) == (
            Book.CONSUMED,
            "correction:1",
            "ada",
        )
        assert entry.occurred_at == make.NOW

    def test_lifts_the_overdraft_first(self) -> None:
        wallet = make.wallet()
        lot = make.lot(wallet, "3")
        make.spend(wallet, "5")

        reverse_last(wallet)

        assert rows(wallet, after=3) == [
            (Kind.REVERSAL, None, 2, 3),
            (Kind.REVERSAL, lot.pk, 3, 2),
        ]
        wallet.refresh_from_db()
        assert wallet.balance == 3

    def test_leaves_a_surplus_where_the_overdraft_was_settled(self) -> None:
        wallet = make.wallet()
        make.spend(wallet, "5")
        lot = make.lot(wallet, "8")

        locked = reverse_last(wallet)

        assert remaining(lot) == 3
        assert locked.overdraft == -5
        assert locked.available(make.NOW) == 8

    def test_keeps_the_burn_down_order_of_what_comes_back(self) -> None:
        wallet = make.wallet()
        late = make.lot(wallet, "2", expires_at=make.NOW + 9 * DAY)
        soon = make.lot(wallet, "2", expires_at=make.NOW + 2 * DAY)
        make.spend(wallet, "3")

        reverse_last(wallet, then_spend="1")

        assert rows(wallet, after=6) == [(Kind.USAGE, soon.pk, -1, None)]
        assert make.row(remaining(soon), remaining(late)) == (1, 2)


class TestAnExpiredLot:
    def expired(self, wallet: Wallet) -> CreditLot:
        lot = make.lot(wallet, "5", expires_at=make.NOW - DAY / 2)
        make.spend(wallet, "2", at=make.NOW - DAY)
        return lot

    def test_that_is_not_swept_gets_it_back_and_is_swept(self) -> None:
        wallet = make.wallet()
        lot = self.expired(wallet)

        reverse_last(wallet)

        assert remaining(lot) == 5
        assert lot.expired_at is None
        assert (
            expire_wallet(wallet_id=wallet.pk, expired_before=make.NOW, actor="s") == 1
        )

    def test_that_was_swept_expires_again_at_once_and_visibly(self) -> None:
        wallet = make.wallet()
        lot = self.expired(wallet)
        expire_wallet(wallet_id=wallet.pk, expired_before=make.NOW, actor="sweep")

        reverse_last(wallet)

        assert rows(wallet, after=3) == [
            (Kind.REVERSAL, lot.pk, 2, 2),
            (Kind.EXPIRY, lot.pk, -2, None),
        ]
        assert Entry.objects.latest("sequence").book == Book.EXPIRED
        assert remaining(lot) == 0
        assert audit.differences() == []

    def test_pays_again_for_what_happened_before_it_expired(self) -> None:
        wallet = make.wallet()
        lot = self.expired(wallet)
        expire_wallet(wallet_id=wallet.pk, expired_before=make.NOW, actor="sweep")

        reverse_last(wallet, then_spend="1.5")

        assert rows(wallet, after=3) == [
            (Kind.REVERSAL, lot.pk, 2, 2),
            (Kind.USAGE, lot.pk, Decimal("-1.5"), None),
            (Kind.EXPIRY, lot.pk, Decimal("-0.5"), None),
        ]
        assert audit.differences() == []
