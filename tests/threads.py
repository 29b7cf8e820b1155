"""Calls that start at the same moment, each on a database connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

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
