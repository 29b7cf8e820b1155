"""A throttle for views of Django REST framework."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, cast

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from ratelimits.enforcement.admissions import Admission, Call
from ratelimits.enforcement.client import TollgateClient, WhenUnreachable


class CallRefused(APIException):
    """A call that may not run for another reason than its rate, such as its cost.

    The body of its answer has the members of Tollgate's problem.
    """

    def __init__(self, admission: Admission) -> None:
        super().__init__()
        self.status_code = admission.status
        self.wait = admission.retry_after
        self.members: Mapping[str, Any] = admission.problem
        # Not through DRF's own, which would make texts of the numbers.
        self.detail = dict(admission.problem)


class TollgateThrottle(BaseThrottle):
    """Asks Tollgate before a view runs; a subclass says which call a request is.

    A rate limit is answered 429 by DRF, everything else by `CallRefused`. The view
    finds the answer as `request.admission`; the headers of the limits are on its
    response. Let a view have no other throttle beside it: DRF asks all of them, so one
    that refuses would leave a hold behind.
    """

    # Where there is nothing here, the settings TOLLGATE_URL and TOLLGATE_KEY count.
    url = ""
    key = ""
    timeout = 0.25
    when_unreachable: WhenUnreachable = "refuse"

    def __init__(self) -> None:
        self._wait: int | None = None

    def get_call(self, request: Request, view: APIView) -> Call | None:
        """Return the call that a request is; nothing if it costs nothing."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: APIView) -> bool:
        call = self.get_call(request, view)
        if call is None:
            return True
        admission = self.get_client().admit_call(call)
        request.admission = admission  # type: ignore[attr-defined]
        view.headers.update(admission.headers)
        if admission.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._wait = admission.retry_after
            return False
        if not admission.admitted:
            raise CallRefused(admission)
        return True

    def wait(self) -> float | None:
        return self._wait

    def get_client(self) -> TollgateClient:
        """Return the client that all throttles of these settings share."""
        url = self.url or _setting("TOLLGATE_URL")
        key = self.key or _setting("TOLLGATE_KEY")
        return _open_client(url, key, self.timeout, self.when_unreachable)


def _setting(name: str) -> str:
    return cast("str", getattr(settings, name))


@cache
def _open_client(
    url: str, key: str, timeout: float, when_unreachable: WhenUnreachable
) -> TollgateClient:
    return TollgateClient(url, key, timeout=timeout, when_unreachable=when_unreachable)
