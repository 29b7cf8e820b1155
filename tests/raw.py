"""Statements past every service, to see what the database itself refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from config.privileges import ROLE

NO_PRIVILEGE = psycopg.errors.InsufficientPrivilege
RESTRICTED = psycopg.errors.RestrictViolation
CHECKED = psycopg.errors.CheckViolation


def execute(statement: str, *parameters: Any) -> int:
    """Run a statement; returns how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


@contextmanager
def as_owner() -> Iterator[None]:
    """Take the rights of the tables' owner, whom only triggers can refuse."""
    execute("RESET ROLE")
    yield
    execute(f"SET ROLE {ROLE}")


@contextmanager
def tampering(table: str) -> Iterator[None]:
    """Take the owner's rights with the table's triggers off, as a DBA could."""
    with as_owner():
        # A table whose foreign keys are still to be checked cannot be altered.
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def refusal(statement: str, *parameters: Any) -> psycopg.Error:
    """Return the error that the database answers a statement with."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        execute(statement, *parameters)
    cause = caught.value.__cause__
    assert isinstance(cause, psycopg.Error)
    return cause


def owner_refusal(statement: str, *parameters: Any) -> psycopg.Error:
    """Return the error that the database answers the tables' owner with."""
    # The savepoint that is rolled back restores the role.
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), as_owner():
        execute(statement, *parameters)
    cause = caught.value.__cause__
    assert isinstance(cause, psycopg.Error)
    return cause


def end_session() -> None:
    """Take the test's own connection away, as a restart of PostgreSQL would."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [process] = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SELECT pg_terminate_backend(%s)", [process])
    other.close()
