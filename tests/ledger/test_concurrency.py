from decimal import Decimal
from functools import partial
from random import Random

import pytest
from django.db import transaction

from ledger.models import CreditLot, Entry, Kind, Source, Wallet
from ledger.posting import Cause, lock_wallets, write_entries
from ledger.services import Grant, grant_credits
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


def take_if_covered(wallet: Wallet, amount: str) -> bool:
    """Spend an amount if the wallet has it, as admission would let one."""
    with transaction.atomic():
        locked = lock_wallets([wallet.pk])[wallet.pk]
        if locked.available(make.NOW) < Decimal(amount):
            return False
        locked.spend(Decimal(amount), WHY)
        write_entries([locked])
    return True


def test_fifty_spenders_of_one_wallet_lose_nothing() -> None:
    wallet = make.wallet()
    make.lot(wallet, "30", source=Source.PROMOTION)
    make.lot(wallet, "70")

    run_at_once([partial(make.spend, wallet, "3") for _ in range(50)])

    wallet.refresh_from_db()
    assert wallet.balance == 100 - 150
    assert [lot.remaining for lot in CreditLot.objects.all()] == [0, 0]
    assert audit.differences() == []


def test_fifty_that_look_first_never_take_more_than_there_is() -> None:
    wallet = make.wallet()
    make.lot(wallet, "40", source=Source.PROMOTION)
    make.lot(wallet, "60")

    taken = run_at_once([partial(take_if_covered, wallet, "3") for _ in range(50)])

    wallet.refresh_from_db()
    usage = Entry.objects.filter(kind=Kind.USAGE)
    assert taken.count(True) == 33
    assert wallet.balance == 100 - 33 * 3
    assert sum(entry.amount for entry in usage) == -33 * 3
    assert all(entry.balance_after >= 0 for entry in Entry.objects.all())
    assert audit.differences() == []


def test_fifty_wallets_spent_in_random_orders_do_not_deadlock() -> None:
    wallets = [make.wallet().pk for _ in range(50)]
    chance = Random(50)  # noqa: S311 - an order, not a secret.

    for _ in range(5):
        batches = [chance.sample(wallets, 20) for _ in range(20)]
        run_at_once([partial(spend_in_each, batch) for batch in batches])

    balances = Wallet.objects.values_list("balance", flat=True)
    assert sum(balances) == -5 * 20 * 20
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
