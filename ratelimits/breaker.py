"""Leaving a server alone for a while that does not answer."""

import logging
from threading import Lock

from prometheus_client import Counter, Gauge

from ratelimits.enforcement.breaker import Breaker as CircuitBreaker

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

    So a server that hangs costs a time-out once a pause, and not with every call. Each
    change is told once, to the log and to the metrics.
    """

    def __init__(self, *, pause: float) -> None:
        self._breaker = CircuitBreaker(failures=1, pause=pause)
        # The metric follows the changes in their order.
        self._lock = Lock()

    def is_open(self) -> bool:
        """Tell whether to leave the server alone; one caller a pause is let through."""
        return not self._breaker.lets_through()

    def note_failure(self, error: Exception) -> None:
        """Stop calling for a pause."""
        FAILURES.labels(type(error).__name__).inc()
        with self._lock:
            has_opened = self._breaker.note_failure()
            GATE_UP.set(0)
        if has_opened:
            logger.error("gate unavailable: %s", error)

    def note_success(self) -> None:
        """Go back to calling as if nothing had been."""
        with self._lock:
            has_closed = self._breaker.note_success()
            if has_closed:
                GATE_UP.set(1)
        if has_closed:
            logger.warning("gate available again")
