"""A stream of refusals of a test's own, and the Redis that it is in."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from billing.services import refusals

# Where the test that uses the stream began.
_URL = ""


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name the stream so that no other test reads it, and remove it afterward."""
    monkeypatch.setattr(f"{__name__}._URL", settings.REDIS_URL)
    name = f"{refusals.STREAM}:{uuid4().hex}"
    monkeypatch.setattr(refusals, "STREAM", name)
    yield name
    redis_client().delete(name)


def redis_client(url: str = "") -> redis.Redis:
    """Return a client of the tests' Redis, whatever a test has set its address to."""
    return redis.Redis.from_url(url or _URL, decode_responses=True)
