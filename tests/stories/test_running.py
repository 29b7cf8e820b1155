"""The commands that a newcomer types, in processes of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from config import embedded
from tests.processes import free_port

PROJECT = Path(__file__).resolve().parents[2]
LIMIT = 120
METRICS_TOKEN = "a long secret"  # noqa: S105


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("run")
    yield folder
    embedded.drop(folder)


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "TOLLGATE_FOLDER": str(folder),
        "METRICS_TOKEN": METRICS_TOKEN,
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(folder: Path, *arguments: str) -> str:
    process = start(folder, *arguments)
    output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, output
    return output


@pytest.mark.story
@pytest.mark.slow
def test_the_demo_loads_once_and_reconciles(folder: Path) -> None:
    port = str(free_port())

    first = run(folder, "demo", "--exit", "--port", port)
    second = run(folder, "demo", "--exit", "--port", port)
    again = run(folder, "demo", "--exit", "--again", "--port", port)
    verified = run(folder, "verify")

    assert "Posted 23,952 events: 23,951 accepted, 1 quarantined." in first
    assert "3 new invoices" in first
    assert "Posted" not in second
    assert "Posted 23,952 events: 23,952 duplicate." in again
    assert "0 new invoices" in again
    assert "Everything agrees." in verified


def read_metrics(port: int) -> str:
    url = f"http://127.0.0.1:{port}/metrics"
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    return requests.get(url, headers=headers, timeout=10).text


@pytest.mark.story
@pytest.mark.slow
def test_serve_answers_until_it_is_told_to_stop(folder: Path) -> None:
    port = free_port()
    server = start(folder, "serve", "--port", str(port))
    assert server.stdout
    for line in server.stdout:
        if line.startswith("Serving on"):
            break

    answer = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
    counted = read_metrics(port)
    rival = start(folder, "serve", "--port", str(port))
    complaint, _ = rival.communicate(timeout=LIMIT)
    server.send_signal(signal.SIGINT)
    output, _ = server.communicate(timeout=LIMIT)

    assert answer.json() == {"status": "ok"}
    # Of all processes together; of one alone there would be more.
    assert "tollgate_gate_up 1.0" in counted
    assert "python_info" not in counted
    assert "is taken" in complaint
    assert output.endswith("Stopped.\n")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
