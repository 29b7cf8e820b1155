"""Running the web server and the workers together, and stopping them together."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import requests
from django.conf import settings

from config.services import BASE_DIR

START_LIMIT = 60.0
STOP_LIMIT = 30.0
_PAUSE = 0.2


class ServerDiedError(Exception):
    """A process that should serve has ended."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the web server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as people and programs write it."""
        return f"http://{self.host}:{self.port}"


@contextmanager
def serving_web(address: Address) -> Iterator[None]:
    """Serve admin, portal and API until the block ends, even by a signal.

    :raises ServerDiedError: if the web server does not start, or the port is taken.
    """
    _require_free(address)
    # Its processes count there together, from nothing.
    with (
        TemporaryDirectory(prefix="tollgate-metrics-") as folder,
        _running(_web(address), address, PROMETHEUS_MULTIPROC_DIR=folder) as web,
    ):
        _await_web(address, web)
        yield


@contextmanager
def working(address: Address) -> Iterator[None]:
    """Run the workers and beat until the block ends, even by a signal."""
    with _running(_worker(), address), _running(_mail_worker(), address):
        yield


@contextmanager
def _running(
    command: list[str], address: Address, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    # A stop is then an exception, so that every process is ended on the way out.
    previous = signal.signal(signal.SIGTERM, _raise_exit)
    process = _start(command, address, variables)
    try:
        yield process
    finally:
        _stop(process)
        signal.signal(signal.SIGTERM, previous)


def wait_for_exit(address: Address) -> None:
    """Return only if the server stops answering; people end it with Ctrl-C.

    :raises ServerDiedError: if the web server is gone.
    """
    failures = 0
    while failures < START_LIMIT:
        time.sleep(1)
        failures = 0 if _answers(address) else failures + 1
    raise ServerDiedError(address.url)


def _require_free(address: Address) -> None:
    # The web server would share the port with whoever has it, and each get half.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            message = f"{address.url} is taken; choose another port with --port"
            raise ServerDiedError(message) from error


def _web(address: Address) -> list[str]:
    return [
        sys.executable,
        "-m",
        "granian",
        "--interface=wsgi",
        f"--host={address.host}",
        f"--port={address.port}",
        f"--workers={settings.WEB_WORKERS}",
        f"--blocking-threads={settings.WEB_THREADS}",
        "--respawn-failed-workers",
        "--no-ws",
        "--log-level=warning",
        "config.wsgi:application",
    ]


def _worker() -> list[str]:
    return [
        *_celery("celery", concurrency=2),
        "--beat",
        f"--schedule={settings.BEAT_SCHEDULE_FILE}",
    ]


def _mail_worker() -> list[str]:
    """Return the command of who mails: a server that hangs holds nothing else up."""
    return [*_celery("mail", concurrency=1), "--hostname=mail@%h"]


def _celery(queue: str, *, concurrency: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "celery",
        "--app=config.worker",
        "--quiet",
        "worker",
        f"--queues={queue}",
        "--pool=threads",
        f"--concurrency={concurrency}",
        "--loglevel=warning",
    ]


def _start(
    command: list[str], address: Address, variables: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    own = {
        "BASE_URL": address.url,
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
    }
    environment = {**os.environ, **own, **variables}
    # A group of its own: Ctrl-C reaches this process, which then stops it in order.
    return subprocess.Popen(
        command, cwd=BASE_DIR, env=environment, start_new_session=True
    )


def _await_web(address: Address, web: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not _answers(address):
        if web.poll() is not None or time.monotonic() > deadline:
            message = f"the web server did not start on {address.url}"
            raise ServerDiedError(message)
        time.sleep(_PAUSE)


def _answers(address: Address) -> bool:
    try:
        return requests.get(f"{address.url}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()


def _raise_exit(_signal: int, _frame: object) -> None:
    raise SystemExit(0)
