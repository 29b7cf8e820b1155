from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from config import tasks
from config.partitions import create_partitions
from tests import audit, make
from tests.raw import execute

pytestmark = pytest.mark.django_db
MAY = datetime(2040, 5, 1, tzinfo=UTC)
MONTHS, TABLES = 6, 3


def create() -> int:
    return create_partitions(connection, around=date(2040, 5, 15))


def record(key: str, occurred_at: datetime) -> str:
    """Record an event; returns the partition that holds it."""
    make.record(make.event(key, occurred_at=occurred_at), at=occurred_at)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM billing_usageevent"
            " WHERE idempotency_key = %s",
            [key],
        )
        [partition] = cursor.fetchone()
    return str(partition)


def test_makes_the_months_around_a_date_for_each_table() -> None:
    assert create() == MONTHS * TABLES


def test_makes_nothing_twice() -> None:
    create()

    assert create() == 0


def test_each_month_holds_its_own_events() -> None:
    create()
    make.customer(credits="50")
    last = MAY - timedelta(microseconds=1)

    partitions = [record("a", last), record("b", MAY)]

    assert partitions == ["billing_usageevent_2040_04", "billing_usageevent_2040_05"]
    assert audit.differences() == []


def test_the_default_catches_what_no_month_covers() -> None:
    make.customer(credits="50")

    assert record("a", MAY) == "billing_usageevent_default"
    assert audit.differences() == []


def test_skips_a_month_that_the_default_has_rows_of_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    make.customer(credits="50")
    record("a", MAY)

    made = create()

    # Events and charges lie in the month that they happened in, entries in today's.
    assert made == MONTHS * TABLES - 2
    assert caplog.messages == [
        "billing_charge has rows of 2040-05 in its default partition",
        "billing_usageevent has rows of 2040-05 in its default partition",
    ]
    assert record("b", MAY) == "billing_usageevent_default"


def test_the_task_makes_what_is_missing() -> None:
    tasks.create_partitions()

    assert create_partitions(connection, around=datetime.now(UTC).date()) == 0


def test_the_application_may_ask_though_it_owns_nothing() -> None:
    assert execute("SELECT create_month_partition('ledger_entry', '2041-01-01')") == 1
