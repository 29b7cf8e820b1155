"""Making the monthly partitions of the history tables ahead of time."""

from datetime import date

from django.db.backends.base.base import BaseDatabaseWrapper

# Events come up to 35 days late; three months ahead outlast any broken beat.
MONTHS_BACK = 2
MONTHS_AHEAD = 3


def create_partitions(connection: BaseDatabaseWrapper, *, around: date) -> int:
    """Make the partitions that are missing near a date; returns how many were made."""
    number = around.year * 12 + around.month - 1
    made = 0
    with connection.cursor() as cursor:
        for month in range(number - MONTHS_BACK, number + MONTHS_AHEAD + 1):
            first_day = date(month // 12, month % 12 + 1, 1)
            cursor.execute("SELECT create_month_partitions(%s)", [first_day])
            made += cursor.fetchone()[0]
    return made
