"""Servers of a test's own, which answer while it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from threading import Thread


@contextmanager
def serving_behind(server: BaseServer) -> Iterator[None]:
    """Let a server answer in a thread of its own until the block ends."""
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield
        server.shutdown()
        thread.join()
