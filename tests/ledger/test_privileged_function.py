import psycopg
import pytest
from django.db import ProgrammingError, transaction

from tests import make
from tests.raw import NO_PRIVILEGE, as_owner, execute

pytestmark = pytest.mark.django_db

FORGERY = """
    CREATE TABLE forged (LIKE ledger_entry INCLUDING ALL);
    CREATE TRIGGER forge AFTER INSERT ON forged REFERENCING NEW TABLE AS new_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_advance_wallets();
    INSERT INTO forged SELECT * FROM ledger_entry;
"""


def test_the_application_makes_no_temporary_tables() -> None:
    with pytest.raises(ProgrammingError) as refused:
        execute("CREATE TEMP TABLE forged (wallet_id bigint)")

    assert isinstance(refused.value.__cause__, NO_PRIVILEGE)


def test_no_other_table_moves_balances_even_for_the_owner() -> None:
    make.lot(make.wallet(), "10")

    with as_owner(), pytest.raises(ProgrammingError) as refused, transaction.atomic():
        execute(FORGERY)

    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
