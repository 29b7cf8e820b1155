"""What the application's database role may do, table by table.

History may be read and added to. Balances and lots move by entries alone. All else
is ordinary. Nothing is granted on partitions: rows go through their parent.
"""

from collections.abc import Mapping

from django.apps import apps
from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from invoices.models import ProviderEvent
from ledger.append_only import AppendOnly
from ledger.models import CreditLot, Wallet

ROLE = "tollgate_app"
_PARTITIONING = "create_month_partition(regclass, date)"
# The one column of a wallet that is ours to set, not its entries'; and of what a
# provider told us, that it was acted on.
_COLUMNS: Mapping[type[models.Model], tuple[str, ...]] = {
    Wallet: ("credit_limit",),
    CreditLot: (),
    ProviderEvent: ("handled_at",),
}


def privileges_of(model: type[models.Model]) -> list[str]:
    """Return the privileges on a model's table."""
    if issubclass(model, AppendOnly):
        return ["SELECT", "INSERT"]
    if model in _COLUMNS:
        updates = [f"UPDATE ({column})" for column in _COLUMNS[model]]
        return ["SELECT", "INSERT", *updates]
    return ["SELECT", "INSERT", "UPDATE", "DELETE"]


def grant_privileges(connection: BaseDatabaseWrapper) -> int:
    """Give the role exactly what each model allows; returns the number of tables.

    Runs after every migration, as the tables' owner. Repeating it changes nothing.
    """
    tables = apps.get_models(include_auto_created=True)
    owned = [model for model in tables if model._meta.managed and not model._meta.proxy]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}")
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
        cursor.execute(f"GRANT SELECT ON django_migrations TO {ROLE}")
        cursor.execute(f"GRANT EXECUTE ON FUNCTION {_PARTITIONING} TO {ROLE}")
        # A table of one's own could carry triggers that run with the owner's rights.
        database = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
        for model in owned:
            privileges = ", ".join(privileges_of(model))
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"GRANT {privileges} ON {table} TO {ROLE}")
    return len(owned)
