"""What is read of a caller is kept a while, and read again once it is too old."""

from itertools import count

import pytest
from cachetools import TTLCache
from pytest_django import Settings

from billing.queries import callers
from billing.queries.callers import keep


class Expiring(TTLCache[str, int]):
    """Lets what it holds become too old just after it is asked whether it is there."""

    def __contains__(self, key: object) -> bool:
        return True


def test_is_read_once_while_it_is_fresh(settings: Settings) -> None:
    settings.CALLER_CACHE_SECONDS = 60
    callers._cache.cache_clear()
    reads = count()

    assert [keep("a", lambda: next(reads)) for _ in range(3)] == [0, 0, 0]


def test_is_read_each_time_without_a_cache() -> None:
    reads = count()

    assert [keep("a", lambda: next(reads)) for _ in range(3)] == [0, 1, 2]


def test_may_become_too_old_while_it_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Expiring(10, ttl=60)
    monkeypatch.setattr(callers, "_cache", lambda _: kept)

    assert keep("a", lambda: 7) == 7
