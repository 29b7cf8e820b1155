"""Invoice numbers without a gap."""

from django.db import connection

# Whoever takes a number keeps the row locked: the next is given out once this one is
# sure, or is given again if this transaction fails.
_TAKE = """
    INSERT INTO invoices_numberseries AS taken (series, year, last) VALUES (%s, %s, 1)
    ON CONFLICT (series, year) DO UPDATE SET last = taken.last + 1
    RETURNING last
"""


def next_number(*, series: str, year: int) -> str:
    """Take the next number of a series in a year, such as INV-2026-000001.

    Runs in the caller's transaction. Take it last: others wait for it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [series, year])
        [last] = cursor.fetchone()
    return f"{series}-{year}-{last:06}"
