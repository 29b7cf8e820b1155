"""A stream of refusals of a test's own, and the Redis that it is in."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from django.conf import settings

from billing.services import refusals


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name the stream so that no other test reads it, and remove it afterward."""
    name = f"{refusals.STREAM}:{uuid4().hex}"
    monkeypatch.setattr(refusals, "STREAM", name)
    yield name
    redis_client().delete(name)


def redis_client(url: str = "") -> redis.Redis:
    """Return a client of the tests' Redis, whatever a test has set its address to."""
    url = url or settings.CACHES["default"]["LOCATION"]
    return redis.Redis.from_url(url, decode_responses=True)
