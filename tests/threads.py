"""Calls that start at the same moment, each on a database connection of its own."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection, transaction

Result = TypeVar("Result")


def run_at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run each call in a thread of its own; returns the results in order.

    The first exception of any of them is raised.
    """
    barrier = Barrier(len(calls), timeout=30)

    def run(call: Callable[[], Result]) -> Result:
        try:
            connection.ensure_connection()
            barrier.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def run_in_threads(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run each call in a thread of its own, without a database."""
    barrier = Barrier(len(calls), timeout=30)

    def run(call: Callable[[], Result]) -> Result:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def run_behind(
    hold: Callable[[], object], calls: Sequence[Callable[[], Result]], *, commit: bool
) -> list[Result]:
    """Run calls that each have to wait for what a transaction under way holds.

    They start one by one, each when all before it wait. Returns their results, which
    they have once the transaction is committed or rolled back.
    """
    with ThreadPoolExecutor(len(calls)) as pool:
        with transaction.atomic():
            hold()
            futures = []
            for number, call in enumerate(calls, start=1):
                futures.append(pool.submit(_run_alone, call))
                await_waiting(number)
            transaction.set_rollback(not commit)
        return [future.result() for future in futures]


def _run_alone(call: Callable[[], Result]) -> Result:
    try:
        return call()
    finally:
        connection.close()


def await_waiting(sessions: int, *, seconds: float = 10) -> None:
    """Return once so many sessions in this database wait for a lock."""
    deadline = time.monotonic() + seconds
    while _count_waiting() < sessions:
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.01)


def _count_waiting() -> int:
    # Not by `pg_stat_activity`, which stands still within a transaction.
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT count(DISTINCT waiting.pid) FROM pg_locks AS waiting
            JOIN pg_locks AS held ON held.pid = waiting.pid
            JOIN pg_database AS here ON here.oid = held.database
            WHERE NOT waiting.granted AND here.datname = current_database()
        """)
        return int(cursor.fetchone()[0])
