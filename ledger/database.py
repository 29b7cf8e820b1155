"""What Django does not offer: pipelined rows, COPY, and reading as of one moment."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from django.db import connection, transaction


def fetch_pipelined(
    sql: str, parameters: Iterable[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """Run one statement per parameter row, in order, in one round trip."""
    with connection.cursor() as cursor, connection.wrap_database_errors:
        raw = cursor.cursor
        raw.executemany(sql, parameters, returning=True)
        return [row for result in raw.results() for row in result.fetchall()]


def copy_rows(table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows with COPY, which costs a tenth of INSERT."""
    statement = f"COPY {table} ({columns}) FROM STDIN"
    # What Django does for `execute`: a lost server is an OperationalError of its own.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row(row)


def as_json_rows(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as the one JSON argument of a `jsonb_to_recordset` statement."""
    return msgspec.json.encode(list(rows)).decode()


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Let all that is read within be of one moment, while entries come in."""
    with transaction.atomic():
        # Only the outermost transaction can choose; within another, a test's or an
        # auditor's, that one has chosen already.
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
                )
        yield
