"""What both servers have in common: one at a time, started, watched, stopped."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, NoReturn

from config.embedded import locks, processes
from config.embedded.processes import Account, EmbeddedServerError, Launch
from config.embedded.urls import socket_folder

POSTGRES_DATA = "postgres"
LIMIT = 60.0
PAUSE = 0.02


class Server(ABC):
    """One server of a folder: its data, its log, and its process if it runs."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, folder: Path) -> None:
        """Point to the server of a folder; this starts nothing."""
        self.data = folder / self.name
        self.unfinished = folder / f"{self.name}.unfinished"
        self.log = folder / f"{self.name}.log"
        self.sockets = socket_folder(folder)
        self._account_data = folder / POSTGRES_DATA
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return what runs the server in the foreground."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Tell whether the server answers."""

    def prepare(self, account: Account | None, lock: int) -> None:
        """Make the data folder, if this is the first start."""
        del lock
        processes.make_folder(self.data, account)

    def complete(self) -> None:
        """Add what only a running server can add; a second time it adds nothing."""
        return

    def start(self) -> None:
        """Start the server and wait until it answers.

        :raises EmbeddedServerError: if it ends, or does not answer in 60 seconds.
        """
        lock = self.take_over()
        try:
            account = processes.find_account(self._account_data)
            self.prepare(account, lock)
            self._process = self.launch(self.command(), account, lock)
            locks.write_process(lock, self._process.pid)
        finally:
            os.close(lock)
        self._await_ready()
        self.complete()

    def take_over(self) -> int:
        """Wait for the processes of an earlier server, stop an orphan, lock them out.

        :raises EmbeddedServerError: if they are still there after 60 seconds.
        """
        path = self._make_sockets() / f"{self.name}.lock"
        deadline = time.monotonic() + LIMIT
        if self._process is None and locks.is_locked(path):
            _ask_to_stop(locks.find_process(path), self.stop_signal)
        while (lock := locks.find_lock(path)) is None:
            if time.monotonic() > deadline:
                self.fail("does not stop")
            time.sleep(PAUSE)
        locks.write_process(lock, None)
        return lock

    def launch(
        self, command: list[str], account: Account | None, lock: int
    ) -> subprocess.Popen[bytes]:
        """Start a process on the server's data, with its log and its lock."""
        launch = Launch(command, account, self.data, self.stop_signal)
        return processes.start_process(launch, lock=lock, log=self.log)

    def is_dead(self) -> bool:
        """Tell whether the process has ended, or never began."""
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """Stop the server cleanly, or by force after 60 seconds."""
        if self._process is None or self.is_dead():
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def delete(self) -> None:
        """Delete the data and the log of a server that does not run."""
        processes.delete_folder(self.data)
        processes.delete_folder(self.unfinished)
        self.log.unlink(missing_ok=True)

    def fail(self, what: str) -> NoReturn:
        """Raise the error that says what went wrong and shows the log."""
        message = f"{self.name} {what}. {processes.read_tail(self.log)}"
        raise EmbeddedServerError(message)

    def _make_sockets(self) -> Path:
        account = processes.find_account(self._account_data)
        processes.make_folder(self.sockets, account)
        return self.sockets

    def _await_ready(self) -> None:
        deadline = time.monotonic() + LIMIT
        while not self.is_ready():
            if self.is_dead():
                self.fail("ended while it started")
            if time.monotonic() > deadline:
                self.stop()
                self.fail(f"did not answer in {LIMIT:.0f} seconds")
            time.sleep(PAUSE)


def _ask_to_stop(process_id: int | None, stop_signal: signal.Signals) -> None:
    if process_id is None:
        return
    try:
        os.kill(process_id, stop_signal)
    except ProcessLookupError:
        # The process went in between, or only its children are left.
        return
