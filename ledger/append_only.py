"""What makes a table append-only, and how one is partitioned by month.

The trigger refuses changes from every role, the owner included; the application's
role is besides never granted UPDATE or DELETE on these tables (`grant_privileges`).
"""

from typing import Any

import pgtrigger
from django.db import models
from django.db.migrations.operations import RunSQL

REFUSE_CHANGES = pgtrigger.Trigger(
    name="append_only",
    when=pgtrigger.Before,
    operation=pgtrigger.Update | pgtrigger.Delete,
    # The error code makes Django raise an IntegrityError, as for any constraint.
    func="""
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
    """,
)


class AppendOnly(models.Model):
    """A row that is history: inserted once, never changed, never deleted."""

    class Meta:
        abstract = True
        triggers = [REFUSE_CHANGES]


class PartitionByMonth(RunSQL):
    """Turn a table just created, still empty, into one partitioned by month.

    The primary key becomes (key, column), as PostgreSQL demands of a partitioned
    table. A default partition catches what no monthly one covers; `create_partitions`
    makes those ahead of time.
    """

    def __init__(self, table: str, *, column: str, **options: Any) -> None:
        plain = f"{table}_plain"
        super().__init__(
            sql=[
                f"ALTER TABLE {table} RENAME TO {plain}",
                f"CREATE TABLE {table} (LIKE {plain} INCLUDING DEFAULTS"
                f" INCLUDING CONSTRAINTS INCLUDING IDENTITY)"
                f" PARTITION BY RANGE ({column})",
                f"DROP TABLE {plain}",
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey"
                f" PRIMARY KEY (id, {column})",
                f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT",
            ],
            reverse_sql=RunSQL.noop,
            **options,
        )
        self.table = table
        self.column = column

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.table], {"column": self.column}
