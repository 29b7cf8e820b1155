"""The two things that Django's cursor does not offer: pipelined rows and COPY."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from django.db import connection


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
