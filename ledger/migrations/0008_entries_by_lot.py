"""Find a lot's entries, and those of the rare kinds, without reading all of a wallet's.

PostgreSQL cannot index a partitioned table concurrently: each month gets its index so,
while entries come in, and is attached to the table's, which is valid once all are.
"""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

INDEXES = {
    "ledger_entry_by_lot": "(lot_id, sequence) WHERE lot_id IS NOT NULL",
    "ledger_entry_other_than_usage": "(wallet_id, sequence) WHERE NOT kind = 'usage'",
}
PARTITIONS = """
    SELECT inhrelid::regclass::text FROM pg_inherits
    WHERE inhparent = 'ledger_entry'::regclass ORDER BY 1
"""
# What an attempt that was cut off has left behind is attached, or else made anew.
ATTACHED = """
    SELECT FROM pg_inherits WHERE inhrelid = to_regclass(%s)
"""


def create(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name, columns in INDEXES.items():
        schema_editor.execute(
            f"CREATE INDEX IF NOT EXISTS {name} ON ONLY ledger_entry {columns}"
        )
        for partition in _rows(schema_editor, PARTITIONS):
            part = f"{partition}{name.removeprefix('ledger_entry')}"
            if not _rows(schema_editor, ATTACHED, part):
                _create_part(schema_editor, name, f"{partition} {columns}", part)


def _create_part(
    schema_editor: BaseDatabaseSchemaEditor, name: str, on: str, part: str
) -> None:
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {part}")
    schema_editor.execute(f"CREATE INDEX CONCURRENTLY {part} ON {on}")
    schema_editor.execute(f"ALTER INDEX {name} ATTACH PARTITION {part}")


def _rows(
    schema_editor: BaseDatabaseSchemaEditor, sql: str, *parameters: str
) -> list[str]:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return [row[0] if row else "" for row in cursor.fetchall()]


def drop(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for name in INDEXES:
        schema_editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ledger", "0007_lots_pay_in_their_time")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(create, drop)],
            state_operations=[
                migrations.AddIndex(
                    model_name="entry",
                    index=models.Index(
                        condition=models.Q(("lot__isnull", False)),
                        fields=["lot", "sequence"],
                        name="ledger_entry_by_lot",
                    ),
                ),
                migrations.AddIndex(
                    model_name="entry",
                    index=models.Index(
                        condition=models.Q(("kind", "usage"), _negated=True),
                        fields=["wallet", "sequence"],
                        name="ledger_entry_other_than_usage",
                    ),
                ),
            ],
        ),
    ]
