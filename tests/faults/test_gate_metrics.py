"""Whoever watches sees that the gate's Redis hangs, whichever process is asked."""

import signal
import time
from pathlib import Path

import pytest
import requests

from tests import make
from tests.faults.gate_load import RICH, Load, call_once, make_customers, running_server
from tests.faults.valkey import running_valkey

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
TOKEN = "a long secret"  # noqa: S105


def scrape(url: str) -> dict[str, float]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    text = requests.get(f"{url}/metrics", headers=headers, timeout=10).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#"]
    return {name: float(value) for name, value in lines}


def await_up(load: Load, wanted: float) -> dict[str, float]:
    """Ask until the metric says that the gate is up, or that it is not."""
    deadline = time.monotonic() + 5
    while True:
        call_once(load.gateway(RICH, f"call_{make.unique()}"))
        found = scrape(load.url)
        if found["tollgate_gate_up"] == wanted:
            return found
        assert time.monotonic() < deadline


def test_a_gate_that_hangs_is_down_until_it_goes_on(tmp_path: Path) -> None:
    make_customers()
    counted = {"METRICS_TOKEN": TOKEN, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    with running_valkey() as valkey, running_server(valkey, **counted) as url:
        load = Load(url, make.service_key(), seed=1)
        await_up(load, 1)
        valkey.send(signal.SIGSTOP)
        down = await_up(load, 0)
        valkey.send(signal.SIGCONT)
        await_up(load, 1)

    assert down['tollgate_gate_failures_total{why="TimeoutError"}'] >= 1
