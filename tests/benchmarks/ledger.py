"""Debits of the ledger beside those of a plain one, which commits each by itself."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import cycle, islice

from django.db import transaction

from config.durability import require_durable_database
from ledger.posting import Cause, lock_wallets, write_entries
from tests import make
from tests.benchmarks.plain import debit, make_plain_tables

BATCH = 500
DEBITS = 20 * BATCH
# Each is a commit: as many as ours would take minutes.
PLAIN_DEBITS = 1_000
WALLETS = 100
AMOUNT = Decimal("0.014232")

Way = Callable[[], int]


def measure_ledger(*, runs: int) -> list[tuple[str, list[float]]]:
    """Return debits per second of each way, the plain one first.

    The ways take turns, so that a slow moment of the machine is in all of them.
    """
    require_durable_database()
    wallets = [_funded_wallet() for _ in range(WALLETS)]
    make_plain_tables(wallets[0])
    ways: dict[str, Way] = {
        "select_for_update and create, one by one": lambda: _debit_plainly(wallets[0]),
        "ledger, 500 a batch, one hot wallet": lambda: _debit_batches(wallets[:1]),
        "ledger, 500 a batch, 100 wallets": lambda: _debit_batches(wallets),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            rates[name].append(_rate(way))
    return list(rates.items())


def _funded_wallet() -> int:
    wallet = make.wallet()
    make.lot(wallet, "1000000")
    return wallet.pk


def _rate(way: Way) -> float:
    started = time.perf_counter()
    debits = way()
    return debits / (time.perf_counter() - started)


def _debit_plainly(wallet_id: int) -> int:
    at = datetime.now(UTC)
    for number in range(PLAIN_DEBITS):
        debit(wallet_id=wallet_id, amount=AMOUNT, cause=f"event:{number}", at=at)
    return PLAIN_DEBITS


def _debit_batches(wallet_ids: Sequence[int]) -> int:
    for _ in range(DEBITS // BATCH):
        _debit_batch(list(islice(cycle(wallet_ids), BATCH)))
    return DEBITS


@transaction.atomic
def _debit_batch(wallet_ids: Sequence[int]) -> None:
    at = datetime.now(UTC)
    locked = lock_wallets(wallet_ids)
    for number, wallet_id in enumerate(wallet_ids):
        locked[wallet_id].spend(AMOUNT, Cause(f"event:{number}", "bench", at))
    write_entries(locked.values())
