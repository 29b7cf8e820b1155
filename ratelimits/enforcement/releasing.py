"""Holds of calls that fail are given back."""

import asyncio

from ratelimits.enforcement.admissions import Admission
from ratelimits.enforcement.client import TollgateClient

FAULT = 500
_INTERRUPTIONS = (GeneratorExit, asyncio.CancelledError, KeyboardInterrupt)
Kind = type[BaseException] | None


class Release:
    """Releases what is held for a call, once, where the call turns out to have failed.

    As a context it does so for an exception.
    """

    def __init__(self, client: TollgateClient, admission: Admission) -> None:
        self._client = client
        self._admission = admission
        self._is_due = admission.has_hold

    def __call__(self) -> None:
        if self._is_due:
            self._is_due = False
            told = self._admission
            self._client.release(told.request_id, told.customer_id)

    def __enter__(self) -> "Release":
        return self

    def __exit__(self, kind: Kind, _error: object, _trace: object) -> None:
        if _is_failure(kind):
            self()

    async def __aenter__(self) -> "Release":
        return self

    async def __aexit__(self, kind: Kind, _error: object, _trace: object) -> None:
        if _is_failure(kind):
            await asyncio.to_thread(self)


def _is_failure(kind: Kind) -> bool:
    """Tell whether a call that ends by such an exception has failed.

    One that is interrupted has not: what it generated until then is used, and its event
    settles the hold. Nor has an answer that has come to its end.
    """
    if kind is None or issubclass(kind, StopIteration):
        return False
    return not issubclass(kind, _INTERRUPTIONS)
