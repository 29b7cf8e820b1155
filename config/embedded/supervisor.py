"""The process that runs the servers for as long as somebody holds them."""

import logging
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from config.embedded import locks
from config.embedded.postgres import Postgres
from config.embedded.processes import EmbeddedServerError
from config.embedded.servers import Server
from config.embedded.valkey import Valkey

LOGGER = logging.getLogger(__name__)

# Held shared by each user of the servers; free when the last one is gone.
HOLDERS = "holders.lock"
# Held by the supervisor, handed to it by the process that started it.
SUPERVISOR = "supervisor.lock"
# Held by the supervisor while both servers answer.
READY = "ready.lock"
LOG = "supervisor.log"

POLL = 0.2
# One command after another in a script finds the servers still running.
LINGER = 1.0


def servers_of(folder: Path) -> tuple[Server, ...]:
    """Return the servers of a folder in the order they start."""
    return Postgres(folder), Valkey(folder)


def run(folder: Path, descriptor: int) -> None:
    """Run both servers until nobody holds them, with the supervisor's lock inherited.

    A server that dies is started again. SIGTERM, or the loss of the folder, stops both
    servers although they are held.

    :raises EmbeddedServerError: if a server does not start the first time.
    """
    locks.write_process(descriptor, os.getpid())
    watch = _Watch(folder, descriptor, servers_of(folder))
    try:
        watch.start()
        watch.keep()
    finally:
        watch.stop()


class _Watch:
    """The servers under supervision, and the three locks that tell others about it."""

    def __init__(
        self, folder: Path, descriptor: int, servers: Sequence[Server]
    ) -> None:
        self.folder = folder
        self.descriptor = descriptor
        self.servers = servers
        self.is_asked_to_stop = False
        self._ready: int | None = None
        signal.signal(signal.SIGTERM, self._ask_to_stop)

    def start(self) -> None:
        for server in self.servers:
            server.start()
        self._ready = locks.lock(self.folder / READY)

    def keep(self) -> None:
        held_at = time.monotonic()
        while self._is_wanted():
            self._restart_dead()
            last = locks.find_lock(self.folder / HOLDERS)
            if last is None:
                held_at = time.monotonic()
            elif time.monotonic() - held_at > LINGER:
                # Never closed: who comes now waits for the end of this process.
                return
            else:
                os.close(last)
            time.sleep(POLL)

    def stop(self) -> None:
        self._close_ready()
        for server in self.servers:
            server.stop()

    def _is_wanted(self) -> bool:
        path = self.folder / SUPERVISOR
        return not self.is_asked_to_stop and locks.is_current(self.descriptor, path)

    def _restart_dead(self) -> None:
        dead = [server for server in self.servers if server.is_dead()]
        if not dead:
            return
        self._close_ready()
        try:
            self._start_again(dead)
        except EmbeddedServerError as error:
            LOGGER.warning("%s", error)

    def _start_again(self, dead: Sequence[Server]) -> None:
        for server in dead:
            LOGGER.warning("%s ended by itself: starting it again.", server.name)
            server.start()
        self._ready = locks.lock(self.folder / READY)

    def _close_ready(self) -> None:
        if self._ready is not None:
            os.close(self._ready)
            self._ready = None

    def _ask_to_stop(self, *_: object) -> None:
        self.is_asked_to_stop = True
