"""Refusing a database that would lose what it acknowledged."""

from django.db import OperationalError, connection

# With any of these off, a crash may undo a commit that a caller was told of.
REQUIRED = ("fsync", "synchronous_commit", "full_page_writes")


class UnsafeDatabaseError(RuntimeError):
    """The database may lose commits in a crash."""


def require_durable_database() -> None:
    """Do nothing if commits survive a crash, or if the database cannot be asked yet.

    :raises UnsafeDatabaseError: if they would not.
    """
    try:
        unsafe = _list_unsafe()
    except OperationalError:
        # It is down: requests are answered 503 until it is back.
        return
    if unsafe:
        message = f"PostgreSQL may lose commits: {', '.join(unsafe)} must not be off"
        raise UnsafeDatabaseError(message)


def _list_unsafe() -> list[str]:
    query = "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off'"
    with connection.cursor() as cursor:
        cursor.execute(query, [list(REQUIRED)])
        return [name for (name,) in cursor]
