from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from ledger.digest import entry_digest
from ledger.models import Entry, Source, Wallet
from ledger.verification import SHOWN, verify_ledger
from tests import make
from tests.raw import execute, tampering

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet() -> Wallet:
    wallet = make.wallet()
    make.lot(wallet, "10")
    for _ in range(3):
        make.spend(wallet, "2")
    return wallet


def found() -> dict[str, list[str]]:
    findings = [each for each in verify_ledger() if each.differences]
    return {each.check: each.differences for each in findings}


def entry(wallet: Wallet, sequence: int) -> Entry:
    return Entry.objects.get(wallet=wallet, sequence=sequence)


@pytest.mark.usefixtures("wallet")
def test_finds_nothing_where_nothing_was_changed() -> None:
    findings = list(verify_ledger())

    assert [each.differences for each in findings] == [[], [], [], [], [], []]
    assert [each.compared for each in findings] == [1, 1, 1, 3, 4, 1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET cause = 'event:other' WHERE sequence = 2",
        "UPDATE ledger_entry SET actor = 'nobody' WHERE sequence = 2",
        "UPDATE ledger_entry SET occurred_at = now() WHERE sequence = 2",
        "UPDATE ledger_entry SET recorded_at = 'yesterday' WHERE sequence = 2",
        "UPDATE ledger_entry SET kind = 'refund' WHERE sequence = 2",
        "UPDATE ledger_entry SET book = 'cash' WHERE sequence = 2",
        "UPDATE ledger_entry SET reverses = 1 WHERE sequence = 2",
        "UPDATE ledger_entry SET balance_after = 8.1 WHERE sequence = 2",
    ],
)
def test_names_an_entry_of_which_one_column_was_changed(
    wallet: Wallet, statement: str
) -> None:
    with tampering("ledger_entry"):
        execute(statement)

    assert found()["digest chain of entries"] == [
        f"entry {entry(wallet, 2).pk} of wallet {wallet.pk} was altered"
    ]


def test_names_the_wallet_and_the_lot_of_a_changed_amount(wallet: Wallet) -> None:
    with tampering("ledger_entry"):
        execute("UPDATE ledger_entry SET amount = -1 WHERE sequence = 3")

    findings = found()
    assert findings["balance = sum of entries, numbered without a gap"] == [
        f"wallet {wallet.pk}: balance 5 after entry 4 expected, "
        "balance 4 after entry 4 stored"
    ]
    assert findings["lot = sum of its entries"][0].startswith("lot ")


def test_notices_books_that_do_not_lead_to_what_is_held(wallet: Wallet) -> None:
    make.lot(wallet, "3", source=Source.PROMOTION)
    with tampering("ledger_entry"):
        execute("UPDATE ledger_entry SET amount = -1 WHERE sequence = 3")
        execute("UPDATE ledger_creditlot SET remaining = 2 WHERE source = 'promotion'")

    assert found()["books roll forward to what lots and wallets hold"] == [
        "deferred USD: 5 expected, 4 stored",
        "promotion USD: 3 expected, 2 stored",
        "receivable USD: 0 expected, -1 stored",
    ]


def test_notices_an_entry_that_was_deleted(wallet: Wallet) -> None:
    with tampering("ledger_entry"):
        execute("DELETE FROM ledger_entry WHERE sequence = 2")

    [gap, *_] = found()["digest chain of entries"]
    assert gap == f"entry {entry(wallet, 3).pk} of wallet {wallet.pk} was altered"


def test_notices_the_last_entry_rewritten_with_a_fresh_digest(wallet: Wallet) -> None:
    last = entry(wallet, 4)
    columns = ("wallet_id", "sequence", "lot_id", "book", "kind", "amount")
    more = ("balance_after", "occurred_at", "recorded_at", "reverses", "actor")
    values = {name: getattr(last, name) for name in columns + more}
    digest = entry_digest(bytes(entry(wallet, 3).digest), cause="forged", **values)

    with tampering("ledger_entry"):
        change = "UPDATE ledger_entry SET cause = 'forged', digest = %s WHERE id = %s"
        execute(change, digest, last.pk)

    assert list(found()) == ["wallet's digest = last entry's"]


def test_notices_a_balance_that_was_written(wallet: Wallet) -> None:
    with tampering("ledger_wallet"):
        execute("UPDATE ledger_wallet SET balance = 5")

    assert len(found()) == 3
    assert found()["balance = lots - overdraft"] == [
        f"wallet {wallet.pk}: 4.000000000000000000 expected, "
        "5.000000000000000000 stored"
    ]


def test_shows_only_the_first_of_many_differences(wallet: Wallet) -> None:
    for _ in range(SHOWN + 1):
        make.spend(wallet, "1")

    with tampering("ledger_entry"):
        execute("UPDATE ledger_entry SET actor = 'nobody'")

    assert len(found()["digest chain of entries"]) == SHOWN


class TestDigest:
    def test_depends_on_the_entry_before(self) -> None:
        assert digest(bytes(32)) != digest(bytes(31) + b"1")

    def test_keeps_columns_apart(self) -> None:
        one, other = ({"cause": "a1:", "actor": "b"}, {"cause": "a", "actor": "1:b"})

        assert digest(**one) != digest(**other)

    def test_is_the_same_however_an_amount_or_a_time_is_written(self) -> None:
        zone = timezone(timedelta(hours=-5))

        assert digest() == digest(amount=Decimal("1.000"))
        assert digest() == digest(occurred_at=make.NOW.astimezone(zone))


def digest(previous: bytes = bytes(32), /, **changed: Any) -> bytes:
    columns: dict[str, Any] = {
        "wallet_id": 1,
        "sequence": 1,
        "lot_id": None,
        "book": "cash",
        "kind": "grant",
        "amount": Decimal(1),
        "balance_after": Decimal(1),
        "occurred_at": make.NOW,
        "recorded_at": make.NOW,
        "cause": "invoice:1",
        "reverses": None,
        "actor": "ada",
    }
    return entry_digest(previous, **columns | changed)
