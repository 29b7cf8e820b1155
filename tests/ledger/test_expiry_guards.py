"""Expired credits stay gone: what the database refuses, whoever asks."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ledger.models import CreditLot, Entry, Kind, Wallet
from ledger.services import expire_wallet
from tests import audit, make
from tests.raw import CHECKED, execute, owner_refusal, refusal

pytestmark = pytest.mark.django_db
END = make.NOW
INSTANT = timedelta(microseconds=1)
ROW = "(%s, %s, %s, %s, %s, %s, %s, now(), 'consumed', 'raw', 'raw', sha256('raw'))"
COLUMNS = (
    "wallet_id, lot_id, kind, amount, occurred_at, sequence, balance_after,"
    " recorded_at, book, cause, actor, digest"
)
INSERT = f"INSERT INTO ledger_entry ({COLUMNS}) VALUES"
Move = tuple[str, int, datetime]


@pytest.fixture
def wallet() -> Wallet:
    """Return a wallet with a lot of 5, of which 2 are used."""
    made = make.wallet()
    make.lot(made, "5", starts_at=END - timedelta(days=9), expires_at=END)
    make.spend(made, "2", at=END - INSTANT)
    return made


@pytest.fixture
def swept(wallet: Wallet) -> Wallet:
    """Return that wallet once its lot has expired."""
    expire_wallet(wallet_id=wallet.pk, expired_before=END, actor="sweep")
    return wallet


def insert(wallet: Wallet, *moves: Move) -> tuple[str, list[Any]]:
    """Return the statement of entries that continue a wallet as they should."""
    wallet.refresh_from_db()
    balance, parameters = wallet.balance, []
    for number, (kind, amount, at) in enumerate(moves, start=wallet.sequence + 1):
        balance += amount
        lot_id = wallet.lots.get().pk
        parameters += [wallet.pk, lot_id, kind, amount, at, number, balance]
    rows = ", ".join([ROW] * len(moves))
    return f"{INSERT} {rows}", parameters


def constraint(wallet: Wallet, *moves: Move) -> str | None:
    statement, parameters = insert(wallet, *moves)
    return refusal(statement, *parameters).diag.constraint_name


class TestALotThatWasSwept:
    @pytest.mark.parametrize("kind", Kind)
    def test_gets_nothing_back_by_any_kind_of_entry(
        self, swept: Wallet, kind: Kind
    ) -> None:
        refused = constraint(swept, (kind, 1, END))

        assert refused == "ledger_creditlot_expired_stays_empty"

    def test_keeps_nothing_of_what_is_given_back(self, swept: Wallet) -> None:
        refused = constraint(swept, ("reversal", 2, END), ("expiry", -1, END))

        assert refused == "ledger_creditlot_expired_stays_empty"

    def test_may_get_something_back_that_expires_at_once(self, swept: Wallet) -> None:
        statement, parameters = insert(swept, ("reversal", 2, END), ("expiry", -2, END))

        assert execute(statement, *parameters) == 2
        assert swept.lots.get().remaining == 0

    def test_may_not_even_be_filled_by_the_owner(self, swept: Wallet) -> None:
        assert swept.lots.get().expired_at

        error = owner_refusal("UPDATE ledger_creditlot SET remaining = 1")

        assert isinstance(error, CHECKED)
        assert error.diag.constraint_name == "ledger_creditlot_expired_stays_empty"


class TestALotThatIsNotSwept:
    def test_expires_as_a_whole(self, wallet: Wallet) -> None:
        refused = constraint(wallet, ("expiry", -1, END))

        assert refused == "ledger_creditlot_expired_stays_empty"

    def test_does_not_expire_before_its_end(self, wallet: Wallet) -> None:
        refused = constraint(wallet, ("expiry", -3, END - INSTANT))

        assert refused == "ledger_entry_expires_at_the_end"

    def test_never_expires_without_an_end(self) -> None:
        endless = make.wallet()
        make.lot(endless, "5")

        refused = constraint(endless, ("expiry", -5, END))

        assert refused == "ledger_entry_expires_at_the_end"

    @pytest.mark.parametrize("kind", ["usage", "true_up", "settlement"])
    @pytest.mark.parametrize(
        "at", [END, END + INSTANT, END - timedelta(days=9) - INSTANT], ids=str
    )
    def test_pays_for_nothing_but_its_own_time(
        self, wallet: Wallet, kind: str, at: datetime
    ) -> None:
        refused = constraint(wallet, (kind, -1, at))

        assert refused == "ledger_entry_lot_covers_its_time"

    def test_gets_back_what_it_paid_whenever_that_is(self, wallet: Wallet) -> None:
        statement, parameters = insert(wallet, ("reversal", 2, END + INSTANT))

        assert execute(statement, *parameters) == 1


def test_what_is_refused_leaves_no_trace(swept: Wallet) -> None:
    entries = Entry.objects.count()

    constraint(swept, ("reversal", 2, END))

    assert Entry.objects.count() == entries
    assert CreditLot.objects.get().remaining == 0
    assert audit.differences() == []
