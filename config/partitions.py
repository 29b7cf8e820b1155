"""Making the monthly partitions of the history tables ahead of time."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import Diagnostic

logger = logging.getLogger(__name__)

TABLES = ("billing_charge", "billing_usageevent", "ledger_entry")
# Events come up to 35 days late; three months ahead outlast any broken beat.
MONTHS_BACK = 2
MONTHS_AHEAD = 3


def create_partitions(connection: BaseDatabaseWrapper, *, around: date) -> int:
    """Make the partitions that are missing near a date; returns how many were made.

    What a long reader of a table keeps from being made is made on the next run. Each
    is a transaction of its own, unless the caller has one under way.
    """
    number = around.year * 12 + around.month - 1
    months = range(number - MONTHS_BACK, number + MONTHS_AHEAD + 1)
    first_days = [date(month // 12, month % 12 + 1, 1) for month in months]
    with _logging_notices(connection):
        return sum(
            _create_partition(connection, table, first_day)
            for first_day in first_days
            for table in TABLES
        )


def _create_partition(
    connection: BaseDatabaseWrapper, table: str, first_day: date
) -> bool:
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT create_month_partition(%s, %s)", [table, first_day])
        except OperationalError:
            logger.exception("No partition of %s for %s yet", table, first_day)
            return False
        made: bool = cursor.fetchone()[0]
    return made


@contextmanager
def _logging_notices(connection: BaseDatabaseWrapper) -> Iterator[None]:
    connection.ensure_connection()
    raw = connection.connection
    raw.add_notice_handler(_log_notice)
    try:
        yield
    finally:
        raw.remove_notice_handler(_log_notice)


def _log_notice(notice: Diagnostic) -> None:
    # That rows are in a default partition, which the runbook says how to empty.
    logger.error("%s", notice.message_primary)
