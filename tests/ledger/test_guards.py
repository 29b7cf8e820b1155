"""What the database refuses, whatever the code above it does."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from ledger.models import CreditLot, Wallet
from ledger.services import expire_wallet
from tests import make
from tests.raw import CHECKED, NO_PRIVILEGE, as_owner, execute, owner_refusal, refusal

pytestmark = pytest.mark.django_db
COLUMNS = (
    "wallet_id, lot_id, sequence, amount, balance_after, recorded_at, kind, book,"
    " cause, actor, occurred_at, digest"
)
INSERT = f"INSERT INTO ledger_entry ({COLUMNS}) VALUES"
ROW = (
    "(%s, %s, %s, %s, %s, %s, 'settlement', 'cash', 'raw', 'raw', now(), sha256('raw'))"
)


def entries(*rows: Iterable[object]) -> tuple[str, list[object]]:
    parameters = [value for row in rows for value in row]
    return f"{INSERT} {', '.join([ROW] * len(rows))}", parameters


def entry(
    wallet: Wallet,
    *,
    lot: CreditLot | None = None,
    sequence: int = 1,
    amount: str = "1",
    balance_after: str = "1",
    day: int = 1,
) -> tuple[Any, ...]:
    recorded_at = f"2026-11-{day:02}T00:00:00Z"
    lot_id = lot.pk if lot else None
    return (wallet.pk, lot_id, sequence, amount, balance_after, recorded_at)


def constraint(*rows: tuple[Any, ...]) -> str | None:
    statement, parameters = entries(*rows)
    return refusal(statement, *parameters).diag.constraint_name


class TestEntry:
    def test_moves_the_wallet_when_it_is_true(self) -> None:
        wallet = make.wallet()
        statement, parameters = entries(
            entry(wallet), entry(wallet, sequence=2, amount="2", balance_after="3")
        )

        execute(statement, *parameters)

        wallet.refresh_from_db()
        assert make.row(wallet.balance, wallet.sequence) == (3, 2)

    @pytest.mark.parametrize("sequence", [2, 100])
    def test_may_not_skip_a_sequence(self, sequence: int) -> None:
        row = entry(make.wallet(), sequence=sequence)

        assert constraint(row) == "ledger_entry_continues_wallet"

    def test_may_not_leave_a_gap_within_a_statement(self) -> None:
        wallet = make.wallet()
        third = entry(wallet, sequence=3, balance_after="2")

        assert constraint(entry(wallet), third) == "ledger_entry_continues_wallet"

    def test_may_not_repeat_a_sequence(self) -> None:
        wallet = make.wallet()
        make.lot(wallet, "5")
        row = entry(wallet, sequence=1, balance_after="6")

        assert constraint(row) == "ledger_entry_continues_wallet"

    def test_may_not_repeat_a_sequence_in_another_month(self) -> None:
        wallet = make.wallet()
        twin = entry(wallet, balance_after="2", day=2)

        assert constraint(entry(wallet), twin) == "ledger_entry_continues_wallet"

    def test_may_not_start_below_one(self) -> None:
        row = entry(make.wallet(), sequence=0)

        assert constraint(row) == "ledger_entry_sequence_positive"

    @pytest.mark.parametrize("balance", ["0", "2", "1.000000000000000001", "-1"])
    def test_may_not_lie_about_the_balance(self, balance: str) -> None:
        row = entry(make.wallet(), balance_after=balance)

        assert constraint(row) == "ledger_entry_continues_wallet"

    @pytest.mark.parametrize("balance", ["7", "-7"])
    def test_may_not_lie_before_another_that_tells_the_truth(
        self, balance: str
    ) -> None:
        wallet = make.wallet()
        lie = entry(wallet, balance_after=balance)
        truth = entry(wallet, sequence=2, balance_after="2")

        assert constraint(lie, truth) == "ledger_entry_continues_wallet"

    def test_may_not_name_a_wallet_that_is_not_there(self) -> None:
        row = entry(Wallet(pk=0))

        assert constraint(row) == "ledger_entry_continues_wallet"

    def test_may_not_name_the_lot_of_another_wallet(self) -> None:
        wallet = make.wallet()
        lot = make.lot(make.wallet(), "5")
        make.spend(make.wallet(), "1")
        row = entry(wallet, lot=lot, amount="-1", balance_after="-1")

        assert constraint(row) == "ledger_entry_lot_is_the_wallets"

    def test_may_not_take_more_than_a_lot_holds(self) -> None:
        wallet = make.wallet()
        lot = make.lot(wallet, "5")
        row = entry(wallet, lot=lot, sequence=2, amount="-6", balance_after="-1")

        assert constraint(row) == "ledger_creditlot_remaining_between_zero_and_granted"

    def test_may_not_fill_a_lot_beyond_its_grant(self) -> None:
        wallet = make.wallet()
        lot = make.lot(wallet, "5")
        row = entry(wallet, lot=lot, sequence=2, amount="1", balance_after="6")

        assert constraint(row) == "ledger_creditlot_remaining_between_zero_and_granted"

    def test_may_not_give_credits_back_to_an_expired_lot(self) -> None:
        wallet = make.wallet()
        lot = make.lot(wallet, "5", expires_at=make.NOW)
        make.spend(wallet, "2", at=make.NOW - timedelta(seconds=1))
        expire_wallet(wallet_id=wallet.pk, expired_before=make.NOW, actor="sweep")
        row = entry(wallet, lot=lot, sequence=4, amount="2", balance_after="2")

        assert constraint(row) == "ledger_creditlot_expired_stays_empty"

    @pytest.mark.parametrize("column", ["amount", "balance_after"])
    @pytest.mark.parametrize("value", ["NaN", "10000000000000000000"])
    def test_holds_only_numbers(self, column: str, value: str) -> None:
        amounts = {column: value}

        assert constraint(entry(make.wallet(), **amounts)) == (  # type: ignore[arg-type]
            "ledger_entry_amounts_are_numbers"
        )

    @pytest.mark.parametrize("value", ["Infinity", "-Infinity"])
    def test_holds_no_infinity(self, value: str) -> None:
        statement, parameters = entries(entry(make.wallet(), amount=value))

        error = refusal(statement, *parameters)

        assert isinstance(error, psycopg.errors.NumericValueOutOfRange)

    def test_may_not_pass_by_the_parent_table(self) -> None:
        statement, parameters = entries(entry(make.wallet()))
        partition = statement.replace("ledger_entry", "ledger_entry_default")

        assert isinstance(refusal(partition, *parameters), NO_PRIVILEGE)


class TestWallet:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_wallet SET balance = 1",
            "UPDATE ledger_wallet SET sequence = 1",
            "UPDATE ledger_wallet SET digest = sha256('')",
            "UPDATE ledger_wallet SET currency = 'EUR'",
            "DELETE FROM ledger_wallet",
            "TRUNCATE ledger_wallet CASCADE",
        ],
    )
    def test_cannot_be_written_by_the_application(self, statement: str) -> None:
        make.wallet()

        assert isinstance(refusal(statement), NO_PRIVILEGE)

    def test_lets_the_application_set_the_credit_limit(self) -> None:
        make.wallet()

        assert execute("UPDATE ledger_wallet SET credit_limit = 5") == 1

    @pytest.mark.parametrize(
        ("balance", "sequence"), [("1", 0), ("-1", 0), ("NaN", 0), ("0", 1)]
    )
    def test_starts_empty_even_for_the_owner(self, balance: str, sequence: int) -> None:
        statement = """
            INSERT INTO ledger_wallet
                (currency, balance, sequence, digest, credit_limit)
            VALUES ('USD', %s, %s, sha256(''), 0)
        """

        error = owner_refusal(statement, balance, sequence)

        assert "Cannot insert" in str(error)

    @pytest.mark.parametrize("limit", ["NaN", "-1"])
    def test_has_a_credit_limit_that_is_a_number(self, limit: str) -> None:
        make.wallet()

        error = refusal("UPDATE ledger_wallet SET credit_limit = %s", limit)

        assert error.diag.constraint_name == "ledger_wallet_credit_limit_not_negative"


class TestCreditLot:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_creditlot SET remaining = 0",
            "UPDATE ledger_creditlot SET granted = 9",
            "UPDATE ledger_creditlot SET expires_at = NULL",
            "UPDATE ledger_creditlot SET expired_at = NULL",
            "UPDATE ledger_creditlot SET priority = 1",
            "DELETE FROM ledger_creditlot",
        ],
    )
    def test_cannot_be_written_by_the_application(self, statement: str) -> None:
        make.lot(make.wallet(), "5")

        assert isinstance(refusal(statement), NO_PRIVILEGE)

    def test_starts_empty_even_for_the_owner(self) -> None:
        assert "Cannot insert" in str(_lot_refusal(remaining="1"))

    @pytest.mark.parametrize("granted", ["NaN", "0", "-1", "10000000000000000000"])
    def test_grants_a_number_above_zero(self, granted: str) -> None:
        error = _lot_refusal(granted=granted)

        assert error.diag.constraint_name == "ledger_creditlot_granted_positive"

    @pytest.mark.parametrize("price", ["NaN", "-1"])
    def test_has_a_price_that_is_a_number(self, price: str) -> None:
        error = _lot_refusal(price=price)

        assert error.diag.constraint_name == "ledger_creditlot_price_paid_not_negative"

    @pytest.mark.parametrize(
        "times",
        [
            {"starts_at": "1999-12-31"},
            {"starts_at": "3000-01-01"},
            {"expires_at": "3000-01-01"},
            {"expires_at": "infinity"},
        ],
        ids=str,
    )
    def test_lies_far_from_where_dates_end(self, times: dict[str, str]) -> None:
        error = _lot_refusal(**times)

        assert error.diag.constraint_name == "ledger_creditlot_times_from_2000_to_2999"

    def test_cannot_hold_nan_even_if_the_owner_writes_it(self) -> None:
        make.lot(make.wallet(), "5")

        error = owner_refusal("UPDATE ledger_creditlot SET remaining = 'NaN'")

        assert isinstance(error, CHECKED)


def _lot_refusal(
    *,
    granted: str = "5",
    remaining: str = "0",
    price: str = "0",
    starts_at: str = "2026-11-01",
    expires_at: str | None = None,
) -> psycopg.Error:
    statement = """
        INSERT INTO ledger_creditlot
            (wallet_id, source, granted, remaining, price_paid, priority, starts_at,
             expires_at, reference)
        VALUES (%s, 'trial', %s, %s, %s, 0, %s, %s, 'raw')
    """
    values = (granted, remaining, price, starts_at, expires_at)
    return owner_refusal(statement, make.wallet().pk, *values)


def test_the_owner_is_another_role_than_the_tests() -> None:
    with connection.cursor() as cursor, as_owner():
        cursor.execute("SELECT current_user")
        [owner] = cursor.fetchone()

    assert owner == "tollgate_owner"
