import pytest
from django.apps import apps
from django.db import connection

from billing.models import Customer, UsageEvent
from config.privileges import ROLE, grant_privileges, privileges_of
from invoices.models import ProviderEvent
from ledger.models import CreditLot, Wallet
from tests.raw import NO_PRIVILEGE, as_owner, execute, refusal

ORDINARY = ["SELECT", "INSERT", "UPDATE", "DELETE"]


class TestPrivilegesOf:
    def test_history_are_to_read_and_to_add(self) -> None:
        assert privileges_of(UsageEvent) == ["SELECT", "INSERT"]

    def test_a_wallet_are_to_set_its_limit_alone(self) -> None:
        expected = ["SELECT", "INSERT", "UPDATE (credit_limit)"]

        assert privileges_of(Wallet) == expected

    def test_a_lot_are_to_set_nothing(self) -> None:
        assert privileges_of(CreditLot) == ["SELECT", "INSERT"]

    def test_a_providers_event_are_to_say_that_it_was_handled(self) -> None:
        expected = ["SELECT", "INSERT", "UPDATE (handled_at)"]

        assert privileges_of(ProviderEvent) == expected

    def test_anything_else_are_all(self) -> None:
        assert privileges_of(Customer) == ORDINARY


@pytest.mark.django_db
class TestGrantPrivileges:
    def test_counts_the_tables_of_every_model(self) -> None:
        models = apps.get_models(include_auto_created=True)

        with as_owner():
            tables = grant_privileges(connection)

        assert tables == len([m for m in models if not m._meta.proxy])

    def test_takes_back_what_was_granted_by_hand(self) -> None:
        with as_owner():
            execute(f"GRANT ALL ON ledger_entry, ledger_wallet TO {ROLE}")
            grant_privileges(connection)

        for statement in ("DELETE FROM ledger_entry", "DELETE FROM ledger_wallet"):
            assert isinstance(refusal(statement), NO_PRIVILEGE)

    def test_leaves_the_application_unable_to_change_the_schema(self) -> None:
        error = refusal("CREATE TABLE extra (id int)")

        assert isinstance(error, NO_PRIVILEGE)
