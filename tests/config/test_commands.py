"""The commands an operator runs, as processes of their own."""

import pytest
from django.core.management import CommandError, call_command

from tests import make
from tests.processes import manage
from tests.raw import execute, tampering

pytestmark = pytest.mark.django_db(transaction=True)


def test_verify_prints_every_check_and_succeeds() -> None:
    make.customer(credits="50")
    make.record(make.event())

    finished = manage("verify")

    lines = finished.stdout.splitlines()
    assert finished.returncode == 0
    assert lines[0] == (
        "ok               1  balance = sum of entries, numbered without a gap"
    )
    assert lines[-1] == "Everything agrees."
    assert {line[:8].strip() for line in lines[:-1]} == {"ok"}


def test_verify_fails_and_names_the_row_that_was_changed() -> None:
    wallet = make.customer(credits="50").wallet
    make.record(make.event())
    with tampering("ledger_entry"):
        execute("UPDATE ledger_entry SET actor = 'nobody' WHERE sequence = 2")

    finished = manage("verify")

    assert finished.returncode == 1
    assert "differs          2  digest chain of entries" in finished.stdout
    assert f" of wallet {wallet.pk} was altered" in finished.stdout
    assert finished.stderr == "CommandError: 1 of the checks found a difference.\n"


def test_prepare_database_may_run_again() -> None:
    finished = manage("prepare_database")

    assert finished.returncode == 0
    assert finished.stdout.startswith("Database ready: privileges granted on ")


def test_prepare_database_needs_an_owner_of_its_own() -> None:
    with pytest.raises(CommandError, match="Set DATABASE_OWNER_URL"):
        call_command("prepare_database")
