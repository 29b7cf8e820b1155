"""Leaving a server alone for a while that does not answer."""

import logging
import time
from threading import Lock

from prometheus_client import Counter, Gauge

logger = logging.getLogger(__name__)

FAILURES = Counter(
    "tollgate_gate_failures_total", "Calls of the gate in Redis that failed.", ["why"]
)
GATE_UP = Gauge(
    "tollgate_gate_up",
    "Whether the gate in Redis answers; else rates are kept in each process.",
    multiprocess_mode="mostrecent",
)
GATE_UP.set(1)


class Breaker:
    """Lets calls through until one fails; then one at a time, after a pause each.

    So a server that hangs costs a time-out once a pause, and not with every call.
    """

    def __init__(self, *, pause: float) -> None:
        self._pause = pause
        self._lock = Lock()
        self._retry_at = 0.0
        self._is_open = False

    def is_open(self) -> bool:
        """Tell whether to leave the server alone; one caller a pause is let through."""
        if not self._is_open:
            return False
        with self._lock:
            now = time.monotonic()
            if now < self._retry_at:
                return True
            self._retry_at = now + self._pause
            return False

    def note_failure(self, error: Exception) -> None:
        """Stop calling for a pause."""
        FAILURES.labels(type(error).__name__).inc()
        with self._lock:
            self._retry_at = time.monotonic() + self._pause
            was_open, self._is_open = self._is_open, True
            GATE_UP.set(0)
        if not was_open:
            logger.error("gate unavailable: %s", error)

    def note_success(self) -> None:
        """Go back to calling as if nothing had been."""
        if not self._is_open:
            return
        with self._lock:
            was_open, self._is_open = self._is_open, False
            GATE_UP.set(1)
        if was_open:
            logger.warning("gate available again")
