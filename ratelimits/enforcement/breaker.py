"""A circuit breaker: what does not answer is left alone for a while."""

import time
from collections.abc import Callable
from threading import Lock


class Breaker:
    """Opens after so many failures in a row; then lets one try through each pause.

    Threads may share it. Those that were on their way when it opened each find out for
    themselves; nobody sets out after them.
    """

    def __init__(
        self,
        *,
        failures: int,
        pause: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._pause = pause
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._next_try = clock()

    def lets_through(self) -> bool:
        """Tell whether to try now; says yes once for each pause while it is open."""
        with self._lock:
            if self._failures < self._limit:
                return True
            now = self._clock()
            if now < self._next_try:
                return False
            # Whoever tries may never come back to tell; the next pause has its own.
            self._next_try = now + self._pause
            return True

    def note_success(self) -> bool:
        """Close it: there was an answer; tells whether this one has closed it."""
        with self._lock:
            was_open = self._failures >= self._limit
            self._failures = 0
            return was_open

    def note_failure(self) -> bool:
        """Count a failure; tells whether this one has opened it."""
        with self._lock:
            self._failures += 1
            self._next_try = self._clock() + self._pause
            return self._failures == self._limit
