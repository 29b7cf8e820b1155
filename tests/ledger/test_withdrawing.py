"""Taking credits that were not used, lot by lot, and putting them back."""

from decimal import Decimal

import pytest

from ledger.models import Book, CreditLot, Entry, Kind, Wallet
from ledger.withdrawing import (
    NotEnoughCreditsError,
    Run,
    Withdrawal,
    put_back,
    withdraw_credits,
)
from tests import audit, make
from tests.make import NOW

pytestmark = pytest.mark.django_db


def withdraw(wallet: Wallet, *withdrawals: tuple[CreditLot | None, str]) -> Run:
    return withdraw_credits(
        wallet_id=wallet.pk,
        withdrawals=[
            Withdrawal(lot.pk if lot else None, Decimal(amount), Book.REFUNDED)
            for lot, amount in withdrawals
        ],
        kind=Kind.REFUND,
        cause="refund:1",
        actor="ada",
        occurred_at=NOW,
    )


def amounts() -> list[tuple[object, ...]]:
    entries = Entry.objects.exclude(kind="grant").order_by("sequence")
    return [make.row(each.kind, each.lot_id, each.amount) for each in entries]


def test_credits_are_taken_in_the_order_that_is_given() -> None:
    wallet = make.wallet()
    first, second = (make.lot(wallet, "10") for _ in range(2))

    run = withdraw(wallet, (second, "10"), (first, "1"), (None, "5"))

    assert (run.first, run.last) == (3, 5)
    assert amounts() == [
        ("refund", second.pk, -10),
        ("refund", first.pk, -1),
        ("refund", None, -5),
    ]
    assert audit.differences() == []


def test_no_lot_gives_more_than_it_has() -> None:
    wallet = make.wallet()
    lot = make.lot(wallet, "10")

    with pytest.raises(NotEnoughCreditsError):
        withdraw(wallet, (lot, "6"), (lot, "4.01"))

    assert amounts() == []


def test_no_lot_of_another_wallet_gives_anything() -> None:
    with pytest.raises(NotEnoughCreditsError):
        withdraw(make.wallet(), (make.lot(make.wallet(), "10"), "1"))


def test_what_is_put_back_is_where_it_was() -> None:
    wallet = make.wallet()
    lot = make.lot(wallet, "10")
    run = withdraw(wallet, (lot, "4"), (None, "5"))

    put_back(wallet_id=wallet.pk, run=run, cause="x", actor="ada", occurred_at=NOW)

    assert amounts()[2:] == [("reversal", None, 5), ("reversal", lot.pk, 4)]
    lot.refresh_from_db()
    assert lot.remaining == 10
    assert audit.differences() == []
