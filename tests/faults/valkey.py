"""A Valkey of one test's own, which may be killed, stopped and filled."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from config.embedded.valkey import find_binary


class OwnValkey:
    """Valkey on a socket in a folder; `dump` is what it starts with, if it exists."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/valkey.sock"
        self.dump = folder / "dump.rdb"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        options = {
            "port": "0",
            "unixsocket": f"{self.folder}/valkey.sock",
            "dir": str(self.folder),
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": f"{self.folder}/valkey.log",
        }
        words = [word for name in options for word in (f"--{name}", options[name])]
        self.process = subprocess.Popen([str(find_binary()), *words])
        deadline = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def send(self, what: signal.Signals) -> None:
        if self.process:
            os.kill(self.process.pid, what)

    def kill(self) -> None:
        """End it without a chance to save anything."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def save(self) -> None:
        """Write a snapshot."""
        self.client.save()

    def fill(self) -> None:
        """Refuse to take in anything more, as a server whose memory is full."""
        self.client.config_set("maxmemory", "1")

    def empty(self) -> None:
        """Have room again."""
        self.client.config_set("maxmemory", "0")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


@contextmanager
def running_valkey() -> Iterator[OwnValkey]:
    folder = Path(tempfile.mkdtemp())
    valkey = OwnValkey(folder)
    valkey.start()
    try:
        yield valkey
    finally:
        valkey.kill()
        shutil.rmtree(folder)
