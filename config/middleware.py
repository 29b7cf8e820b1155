"""A request id on every request and answer, and what the admin's pages may run."""

import re
import uuid
from collections.abc import Callable

import structlog
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

_SAFE = re.compile(r"[A-Za-z0-9_.:-]{1,128}")

_ADMIN_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}


class RefuseNulMiddleware:
    """Answer 400 to NUL in an address or a key: no text in PostgreSQL can hold it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get("Authorization", "")
        given = (request.path_info, request.META.get("QUERY_STRING", ""), key)
        if any("\0" in text or "%00" in text for text in given):
            return HttpResponseBadRequest("The request holds a NUL character.")
        return self.get_response(request)


class RequestIdMiddleware:
    """Take the caller's X-Request-Id if it is harmless, or make one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _SAFE.fullmatch(given) else f"req_{uuid.uuid4().hex}"
        request.META["REQUEST_ID"] = request_id
        # Kept after the answer, which Django logs once it has left all middleware.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class AdminContentSecurityPolicyMiddleware:
    """Let the admin's pages alone evaluate scripts and carry styles.

    Unfold is built on Alpine, which compiles the expressions in its attributes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.get_admin_response = csp_replace(_ADMIN_POLICY)(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(reverse("admin:index")):
            return self.get_admin_response(request)
        return self.get_response(request)
