"""A worker dies by `kill -9` in the middle of a chunk; another does it, once."""

import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import transaction

from billing.models import Backtest, BacktestChunk, BacktestLine
from billing.models.backtests import BacktestStatus
from billing.services.backtest_chunks import run_chunk
from billing.services.backtests import requeue_chunks
from tests import make
from tests.billing.backtesting import planned
from tests.make import NOW
from tests.processes import ROOT, environment
from tests.threads import await_waiting

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
LATER = NOW + timedelta(hours=1)
_WORK = """
from datetime import datetime
import django
django.setup()
from billing.services.backtest_chunks import run_chunk
run_chunk(chunk_id={chunk}, at=datetime.fromisoformat("{at}"))
"""


def test_what_a_killed_worker_did_is_done_again() -> None:
    customer = make.customer(credits="50")
    make.record(*[make.event(f"req_{n}") for n in range(10)])
    backtest, [chunk] = planned(customer.plan.rate_card.versions.get())

    # It has priced everything, and waits to count it, when it is killed.
    with transaction.atomic():
        Backtest.objects.select_for_update().get()
        _kill_once_it_waits(chunk)

    left = BacktestChunk.objects.get()
    assert (left.attempts, left.done_at) == (1, None)
    assert not BacktestLine.objects.exists()
    _await_free(chunk)
    assert requeue_chunks(queued_before=LATER, at=LATER) == [chunk]
    assert run_chunk(chunk_id=chunk, at=LATER) == 10
    backtest.refresh_from_db()
    assert (backtest.events_done, backtest.status) == (10, BacktestStatus.DONE)


def _kill_once_it_waits(chunk: int) -> None:
    code = _WORK.format(chunk=chunk, at=NOW.isoformat())
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment())
    await_waiting(1, seconds=30)
    worker.send_signal(signal.SIGKILL)
    worker.wait()


def _await_free(chunk: int) -> None:
    """Wait until PostgreSQL has noticed that the worker is gone."""
    deadline = time.monotonic() + 20
    free = BacktestChunk.objects.filter(pk=chunk)
    while True:
        with transaction.atomic():
            if free.select_for_update(skip_locked=True).exists():
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)
