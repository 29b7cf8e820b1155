"""Making the monthly partitions of the history tables ahead of time."""

import logging
from datetime import date

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import Diagnostic

logger = logging.getLogger(__name__)

# Events come up to 35 days late; three months ahead outlast any broken beat.
MONTHS_BACK = 2
MONTHS_AHEAD = 3


def create_partitions(connection: BaseDatabaseWrapper, *, around: date) -> int:
    """Make the partitions that are missing near a date; returns how many were made."""
    number = around.year * 12 + around.month - 1
    made = 0
    with connection.cursor() as cursor:
        cursor.connection.add_notice_handler(_log_notice)
        for month in range(number - MONTHS_BACK, number + MONTHS_AHEAD + 1):
            first_day = date(month // 12, month % 12 + 1, 1)
            cursor.execute("SELECT create_month_partitions(%s)", [first_day])
            made += cursor.fetchone()[0]
        cursor.connection.remove_notice_handler(_log_notice)
    return made


def _log_notice(notice: Diagnostic) -> None:
    # That rows are in a default partition, which the runbook says how to empty.
    logger.error("%s", notice.message_primary)
