"""A request id on every request and answer, and what the admin's pages may run."""

import re
import uuid
from collections.abc import Callable
from typing import cast

import structlog
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_replace
from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

API = "/v1/"
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_SAFE = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
# Headers whose text may reach the database.
_LOOKED_UP = ("Authorization", "X-Api-Key", "X-Tollgate-Model")

_ADMIN_POLICY = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}


class ApiHeadersMiddleware:
    """Say on each answer of the API what pages are told by middleware of their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(API):
            response["Content-Security-Policy"] = _API_POLICY
            response["X-Frame-Options"] = "DENY"
        return response


class _ForPages(MiddlewareMixin):
    """Stay out of the API's way, which has no sessions, forms or scripts."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_api = request.path.startswith(API)
        handle = self.get_response if is_api else super().__call__
        return cast("HttpResponseBase", handle(request))


class PageCSPMiddleware(_ForPages, CSPMiddleware):
    """What the pages' scripts may do."""


class PageSessionMiddleware(_ForPages, SessionMiddleware):
    """Who is signed in."""


class PageCsrfViewMiddleware(_ForPages, CsrfViewMiddleware):
    """Forms that come from our own pages alone."""


class PageAuthenticationMiddleware(_ForPages, AuthenticationMiddleware):
    """The person that a session belongs to."""


class PageMessageMiddleware(_ForPages, MessageMiddleware):
    """What a page has to say once."""


class PageXFrameOptionsMiddleware(_ForPages, XFrameOptionsMiddleware):
    """No page is shown inside another one."""


class RefuseNulMiddleware:
    """Answer 400 to NUL where it would be looked up: no text in PostgreSQL holds it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        headers = [request.headers.get(name, "") for name in _LOOKED_UP]
        query = request.META.get("QUERY_STRING", "")
        given = (request.path_info, query, *headers)
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
