from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import transaction

from ledger.models import CreditLot, Entry, Kind, Source, Wallet
from ledger.posting import Cause, lock_wallets, write_entries
from ledger.services import Grant, expire_wallet, grant_credits
from tests import audit, make
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)
WHY = Cause(cause="event:1", actor="test", occurred_at=make.NOW)


def spend_in_each(wallet_ids: list[int]) -> None:
    with transaction.atomic():
        wallets = lock_wallets(wallet_ids)
        for wallet in wallets.values():
            wallet.spend(Decimal(1), WHY)
        write_entries(wallets.values())


def test_fifty_spenders_of_one_wallet_lose_nothing() -> None:
    wallet = make.wallet()
    make.lot(wallet, "30", source=Source.PROMOTION)
    make.lot(wallet, "70")

    run_at_once([partial(make.spend, wallet, "3") for _ in range(50)])

    wallet.refresh_from_db()
    assert wallet.balance == 100 - 150
    assert [lot.remaining for lot in CreditLot.objects.all()] == [0, 0]
    assert audit.differences() == []


def test_wallets_locked_in_opposite_orders_do_not_deadlock() -> None:
    wallets = [make.wallet().pk for _ in range(10)]
    orders = [wallets, wallets[::-1]] * 5

    for _ in range(5):
        run_at_once([partial(spend_in_each, order) for order in orders])

    balances = set(Wallet.objects.values_list("balance", flat=True))
    assert balances == {Decimal(-50)}
    assert audit.differences() == []


def test_ten_grants_of_one_reference_make_one_lot() -> None:
    wallet = make.wallet()
    pack = Grant(
        source=Source.PURCHASE,
        amount=Decimal(10),
        reference="invoice:1",
        starts_at=make.NOW,
    )
    give = partial(
        grant_credits,
        wallet_id=wallet.pk,
        grant=pack,
        actor="webhook",
        occurred_at=make.NOW,
    )

    lots = run_at_once([give] * 10)

    wallet.refresh_from_db()
    assert len({lot.pk for lot in lots}) == 1
    assert wallet.balance == 10


def test_an_expiry_that_races_spenders_takes_just_what_they_left() -> None:
    wallet = make.wallet()
    make.lot(wallet, "10", expires_at=make.NOW)
    paid = make.lot(wallet, "10")
    before = make.NOW - timedelta(seconds=1)
    expire = partial(
        expire_wallet, wallet_id=wallet.pk, expired_before=make.NOW, actor="sweep"
    )
    spend = partial(make.spend, wallet, "1", at=before)
    calls: list[Callable[[], object]] = [spend, spend, expire, spend, expire, spend]

    run_at_once(calls)

    wallet.refresh_from_db()
    paid.refresh_from_db()
    expired = Entry.objects.get(kind=Kind.EXPIRY).amount
    assert wallet.balance == 20 - 4 + expired
    assert wallet.balance == paid.remaining
    assert audit.differences() == []
