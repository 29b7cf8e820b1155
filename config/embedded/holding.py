"""Hold the servers of a folder, or drop them: what their users need to know."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from config.embedded import locks, processes
from config.embedded.processes import EmbeddedServerError
from config.embedded.supervisor import HOLDERS, LOG, READY, SUPERVISOR, servers_of
from config.embedded.urls import Addresses, addresses, socket_folder

PROJECT = Path(__file__).resolve().parents[2]
# More than both servers may take, so that their own error arrives first.
LIMIT = 200.0
PAUSE = 0.02

_held: dict[Path, int] = {}


def hold(folder: Path) -> Addresses:
    """Start the servers if they are not running, and keep them until this process ends.

    All processes that hold one folder share its servers. Holding twice is holding once;
    a forked child holds as well.

    :raises EmbeddedServerError: if the servers do not start; it shows their log.
    """
    folder = folder.resolve()
    if folder not in _held:
        _held[folder] = locks.lock_shared(folder / HOLDERS)
    _await_servers(folder)
    return addresses(folder)


def drop(folder: Path) -> None:
    """Stop the servers, even if others hold them, and delete their data and logs.

    The lock files stay: who waits for one must wait for the same file as all others.

    :raises EmbeddedServerError: if the servers do not stop.
    """
    folder = folder.resolve()
    if folder in _held:
        os.close(_held.pop(folder))
    supervisor = _stop_supervisor(folder)
    try:
        for server in servers_of(folder):
            os.close(server.take_over())
            server.delete()
        processes.delete_folder(socket_folder(folder))
        (folder / LOG).unlink(missing_ok=True)
    finally:
        os.close(supervisor)


def is_running(folder: Path) -> bool:
    """Tell whether both servers of a folder answer."""
    return locks.is_locked(folder.resolve() / READY)


def _await_servers(folder: Path) -> None:
    deadline = time.monotonic() + LIMIT
    is_started = False
    while not is_running(folder):
        supervisor = locks.find_lock(folder / SUPERVISOR)
        if supervisor is not None:
            _start_once(folder, supervisor, is_started=is_started)
            is_started = True
        if time.monotonic() > deadline:
            raise _failure(folder, "are not ready")
        time.sleep(PAUSE)


def _start_once(folder: Path, supervisor: int, *, is_started: bool) -> None:
    try:
        if is_started:
            raise _failure(folder, "did not start")
        _start_supervisor(folder, supervisor)
    finally:
        os.close(supervisor)


def _start_supervisor(folder: Path, supervisor: int) -> None:
    # The number of the last one may be another process by now.
    locks.write_process(supervisor, None)
    command = [sys.executable, "-m", "config.embedded", "run", str(folder)]
    with processes.open_log(folder / LOG) as log:
        subprocess.run(
            [*command, str(supervisor)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            env={k: v for k, v in os.environ.items() if not k.startswith("PG")},
            pass_fds=(supervisor,),
            start_new_session=True,
            check=False,
        )


def _stop_supervisor(folder: Path) -> int:
    path = folder / SUPERVISOR
    deadline = time.monotonic() + LIMIT
    while (supervisor := locks.find_lock(path)) is None:
        if (process_id := locks.find_process(path)) is not None:
            _terminate(process_id)
        if time.monotonic() > deadline:
            raise _failure(folder, "do not stop")
        time.sleep(PAUSE)
    return supervisor


def _terminate(process_id: int) -> None:
    try:
        os.kill(process_id, signal.SIGTERM)
    except ProcessLookupError:
        # It went by itself.
        return


def _failure(folder: Path, what: str) -> EmbeddedServerError:
    tail = processes.read_tail(folder / LOG)
    return EmbeddedServerError(f"The servers of {folder} {what}. {tail}")
