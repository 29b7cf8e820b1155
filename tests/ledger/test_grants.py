from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from ledger.models import GENESIS, Book, CreditLot, Entry, Kind, Source, Wallet
from ledger.services import Grant, grant_credits, open_wallet, settle_receivable
from tests import audit, make

pytestmark = pytest.mark.django_db
PACK = Grant(
    source=Source.PURCHASE,
    amount=Decimal(10),
    reference="invoice:1",
    starts_at=make.NOW,
    price_paid=Decimal(10),
)


def grant(wallet: Wallet, given: Grant = PACK) -> CreditLot:
    return grant_credits(
        wallet_id=wallet.pk, grant=given, actor="ada", occurred_at=make.NOW
    )


def moves(wallet: Wallet) -> list[tuple[Any, ...]]:
    entries = Entry.objects.filter(wallet=wallet).order_by("sequence")
    return [(e.kind, e.book, e.amount, e.lot_id is not None) for e in entries]


class TestOpenWallet:
    def test_starts_empty(self) -> None:
        wallet = open_wallet(currency="EUR", credit_limit=Decimal("2.5"))

        wallet.refresh_from_db()
        assert (wallet.currency, wallet.credit_limit) == ("EUR", Decimal("2.5"))
        assert make.row(wallet.balance, wallet.sequence) == (0, 0)
        assert bytes(wallet.digest) == GENESIS

    @pytest.mark.parametrize("currency", ["usd", "US", "U5D", ""])
    def test_refuses_what_is_no_currency_code(self, currency: str) -> None:
        with pytest.raises(IntegrityError, match="currency_is_iso_4217"):
            open_wallet(currency=currency)

    def test_refuses_a_negative_credit_limit(self) -> None:
        with pytest.raises(IntegrityError, match="credit_limit_not_negative"):
            open_wallet(currency="USD", credit_limit=Decimal(-1))


class TestGrantCredits:
    def test_fills_a_lot_and_the_wallet(self) -> None:
        wallet = make.wallet()

        lot = grant(wallet)

        wallet.refresh_from_db()
        assert make.row(lot.granted, lot.remaining, lot.price_paid) == (10, 10, 10)
        assert wallet.balance == 10

    def test_posts_one_entry_that_says_who_and_why(self) -> None:
        lot = grant(make.wallet())

        [entry] = Entry.objects.all()
        assert (entry.kind, entry.book, entry.lot) == (Kind.GRANT, Book.CASH, lot)
        assert make.row(entry.amount, entry.balance_after, entry.sequence) == (
            10,
            10,
            1,
        )
        assert (entry.cause, entry.actor) == ("invoice:1", "ada")
        assert entry.occurred_at == make.NOW

    @pytest.mark.parametrize("source", [s for s in Source if s != Source.PURCHASE])
    def test_takes_what_nobody_paid_for_from_promotion(self, source: Source) -> None:
        grant(make.wallet(), replace(PACK, source=source))

        assert Entry.objects.get().book == Book.PROMOTION

    def test_gives_for_one_reference_once(self) -> None:
        wallet = make.wallet()
        first = grant(wallet)

        again = grant(wallet)

        wallet.refresh_from_db()
        assert again == first
        assert wallet.balance == 10
        assert Entry.objects.count() == 1

    def test_gives_two_wallets_for_the_same_reference(self) -> None:
        lots = [grant(make.wallet()), grant(make.wallet())]

        assert [lot.remaining for lot in lots] == [10, 10]

    def test_settles_the_overdraft_first(self) -> None:
        wallet = make.wallet()
        make.spend(wallet, "4")

        lot = grant(wallet)

        assert lot.remaining == 6
        assert moves(wallet) == [
            ("usage", "consumed", -4, False),
            ("grant", "cash", 10, True),
            ("settlement", "receivable", -4, True),
            ("settlement", "receivable", 4, False),
        ]

    def test_settles_no_more_than_was_granted(self) -> None:
        wallet = make.wallet()
        make.spend(wallet, "14")

        lot = grant(wallet)

        wallet.refresh_from_db()
        assert lot.remaining == 0
        assert wallet.balance == -4
        assert not audit.differences()

    def test_settles_nothing_with_credits_that_start_later(self) -> None:
        wallet = make.wallet()
        make.spend(wallet, "4")
        later = make.NOW + timedelta(microseconds=1)

        lot = grant(wallet, replace(PACK, starts_at=later))

        assert lot.remaining == 10

    def test_settles_a_large_overdraft_to_the_last_digit(self) -> None:
        wallet = make.wallet()
        large = "12345678901.123456789012345678"
        make.spend(wallet, large)

        lot = grant(wallet, replace(PACK, amount=Decimal(large)))

        assert lot.remaining == 0
        assert not audit.differences()

    def test_refuses_an_expiry_before_the_start(self) -> None:
        with pytest.raises(IntegrityError, match="expires_after_it_starts"):
            grant(make.wallet(), replace(PACK, expires_at=make.NOW))

    @pytest.mark.parametrize("amount", ["0", "-1"])
    def test_refuses_to_grant_nothing(self, amount: str) -> None:
        with pytest.raises(IntegrityError, match="granted_positive"):
            grant(make.wallet(), replace(PACK, amount=Decimal(amount)))


class TestSettleReceivable:
    def test_lifts_an_overdraft_that_was_paid_in_money(self) -> None:
        wallet = make.wallet()
        make.spend(wallet, "4")

        settle(wallet, "4")

        wallet.refresh_from_db()
        assert wallet.balance == 0
        assert moves(wallet)[-1] == ("settlement", "cash", 4, False)

    def test_of_too_much_does_not_stand_in_the_way_of_a_grant(self) -> None:
        wallet = make.wallet()
        settle(wallet, "5")

        lot = grant(wallet)

        wallet.refresh_from_db()
        assert lot.remaining == 10
        assert wallet.balance == 15


def settle(wallet: Wallet, amount: str) -> None:
    settle_receivable(
        wallet_id=wallet.pk,
        amount=Decimal(amount),
        reference="invoice:2",
        actor="ada",
        occurred_at=make.NOW,
    )
