from collections.abc import Iterator

import pytest

from config.celery import app


@pytest.fixture
def worker() -> Iterator[None]:
    """Do what is queued at once, in the process that queues it."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False
