"""Rates while the gate is away: each process lets through its share of a limit."""

from collections import OrderedDict

import pytest
from pytest_django import Settings

from ratelimits import in_process
from ratelimits.in_process import take_share
from ratelimits.messages import Limit
from tests import make

LIMIT = Limit("", 10, 1_000, None)
MINUTE = 60_000


@pytest.fixture(autouse=True)
def _two_processes(settings: Settings) -> None:
    settings.WEB_WORKERS = 2


@pytest.fixture
def reference() -> str:
    return f"cus_{make.unique()}"


def count_taken(reference: str, tokens: int, *, at: int, limit: Limit = LIMIT) -> int:
    """Ask until it is refused, or a hundred times."""
    for taken in range(100):
        if take_share(reference, limit, tokens, at=at):
            return taken
    return 100


def test_a_process_has_its_share_of_requests_at_once(reference: str) -> None:
    assert count_taken(reference, 1, at=0) == 5


def test_a_share_refills_within_a_minute(reference: str) -> None:
    count_taken(reference, 1, at=0)

    assert count_taken(reference, 1, at=MINUTE // 5) == 1
    assert count_taken(reference, 1, at=2 * MINUTE) == 5


def test_tokens_have_a_share_too(reference: str) -> None:
    assert count_taken(reference, 200, at=0) == 2
    assert take_share(reference, LIMIT, 200, at=0) == ["tokens"]


def test_what_is_refused_takes_nothing(reference: str) -> None:
    take_share(reference, LIMIT, 300, at=0)
    for _ in range(10):
        assert take_share(reference, LIMIT, 300, at=0) == ["tokens"]

    assert count_taken(reference, 50, at=0) == 4


def test_each_limit_that_refuses_is_named(reference: str) -> None:
    count_taken(reference, 100, at=0)

    assert take_share(reference, LIMIT, 100, at=0) == ["requests", "tokens"]


def test_a_call_of_more_tokens_than_a_share_goes_through_a_full_one(
    reference: str,
) -> None:
    assert take_share(reference, LIMIT, 800, at=0) == []

    # It is owed: the next has to wait until the share is full again.
    assert take_share(reference, LIMIT, 800, at=MINUTE) == ["tokens"]
    assert take_share(reference, LIMIT, 800, at=MINUTE * 8 // 5) == []


def test_no_share_is_nothing(reference: str, settings: Settings) -> None:
    settings.WEB_WORKERS = 100

    assert count_taken(reference, 1, at=0) == 1


def test_what_is_not_limited_is_not_counted(reference: str) -> None:
    unlimited = Limit("", None, None, 5)

    assert count_taken(reference, 10**9, at=0, limit=unlimited) == 100


def test_models_with_limits_of_their_own_have_shares_of_their_own(
    reference: str,
) -> None:
    count_taken(reference, 1, at=0)

    assert count_taken(reference, 1, at=0, limit=LIMIT._replace(bucket="m")) == 5


def test_customers_have_shares_of_their_own(reference: str) -> None:
    count_taken(reference, 1, at=0)

    assert count_taken(f"{reference}b", 1, at=0) == 5


def test_memory_is_bounded_and_the_least_recent_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.setattr(in_process, "_MOST_BUCKETS", 4)
    monkeypatch.setattr(in_process, "_BUCKETS", OrderedDict())
    for name in ("a", "b", "a", "c"):
        take_share(f"{reference}{name}", LIMIT, 1, at=0)

    assert len(in_process._BUCKETS) <= 4
    assert count_taken(f"{reference}a", 1, at=0) == 3
    assert count_taken(f"{reference}b", 1, at=0) == 5
