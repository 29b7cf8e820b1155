from collections.abc import Iterator

import pytest

from ratelimits.enforcement.client import TollgateClient
from tests.ratelimits.tollgate_fake import KEY, TollgateFake, serving


@pytest.fixture
def fake() -> Iterator[TollgateFake]:
    with serving() as fake:
        yield fake


@pytest.fixture
def tollgate(fake: TollgateFake) -> Iterator[TollgateClient]:
    """Return a client that waits long enough for a machine that is busy."""
    client = TollgateClient(fake.url, KEY, timeout=5)
    yield client
    client.close()
