"""The gate's Redis dies, forgets, hangs or is full, under load: nothing is spent twice.

Rates go on within a bound, credits by PostgreSQL, and all is as before afterwards,
without anybody's help.
"""

import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from config.verification import verify_all
from tests import make
from tests.faults.gate_load import (
    CREDITS,
    LIMITED,
    RICH,
    RPM,
    SCARCE,
    Load,
    await_gate,
    count_logged,
    describe,
    find_scarce,
    running_load,
    spend_rest,
)
from tests.faults.gateways import ADMITTED, AWAY, REFUSED, TOO_MANY
from tests.faults.valkey import OwnValkey, running_valkey

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
# Leases of a gate that is lost end 12 seconds after it began anew.
LAPSE = 16
SLOWEST = 1.0


@pytest.fixture
def valkey() -> Iterator[OwnValkey]:
    with running_valkey() as valkey:
        yield valkey


def die_and_return_empty(valkey: OwnValkey) -> None:
    valkey.kill()
    time.sleep(1.5)
    valkey.start()


def return_with_an_old_snapshot(valkey: OwnValkey) -> None:
    valkey.save()
    time.sleep(0.5)
    valkey.kill()
    valkey.start()
    time.sleep(1)


def forget_everything(valkey: OwnValkey) -> None:
    valkey.client.flushall()
    time.sleep(1.5)


def hang(valkey: OwnValkey) -> None:
    valkey.send(signal.SIGSTOP)
    time.sleep(3)
    valkey.send(signal.SIGCONT)


def be_full(valkey: OwnValkey) -> None:
    valkey.fill()
    time.sleep(2)
    valkey.empty()


@pytest.mark.parametrize(
    "fault",
    [
        die_and_return_empty,
        return_with_an_old_snapshot,
        forget_everything,
        hang,
        be_full,
    ],
)
def test_no_credit_is_spent_twice_and_none_is_lost(
    fault: Callable[[OwnValkey], None], valkey: OwnValkey
) -> None:
    seed = time.time_ns() % 10**6
    sys.stdout.write(f"seed {seed}\n")

    with running_load(valkey, seed) as load:
        time.sleep(1.5)
        load.phase = "during"
        fault(valkey)
        load.phase = "after"
        await_gate(load.gateway(RICH, "probe"), seconds=4)
        time.sleep(1)
        load.is_over.set()
        time.sleep(1)
        spend_rest(load.gateway(SCARCE, "last"), seconds=LAPSE)

    sys.stdout.write(f"{fault.__name__}: {describe(load.history)}\n")
    assert_answered_well(load)
    # One line of each process when it begins, and rarely another by the way.
    assert count_logged(valkey, "gate unavailable") <= 6
    assert load.scarce.most <= CREDITS
    assert make.row(load.scarce.left, find_scarce().wallet.balance) == (0, 0)
    assert [finding for finding in verify_all() if finding.differences] == []


def assert_answered_well(load: Load) -> None:
    assert load.statuses(RICH) == {ADMITTED}
    assert load.statuses(SCARCE) <= {ADMITTED, REFUSED, AWAY}
    assert load.statuses(LIMITED) <= {ADMITTED, TOO_MANY}
    asked = load.history
    assert all(each.has_retry_after for each in asked if each.status == AWAY)
    assert max(each.seconds for each in asked) < SLOWEST
    # A burst before, one of each process, and one of a gate that has forgotten.
    assert load.count_admitted(LIMITED) < 3 * RPM + 30
