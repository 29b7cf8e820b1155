"""A WSGI middleware that asks before the application runs (PEP 3333)."""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ratelimits.enforcement.admissions import (
    BodyTooLargeError,
    Call,
    Refusal,
    as_refusal,
    too_large,
)
from ratelimits.enforcement.client import TollgateClient
from ratelimits.enforcement.releasing import FAULT, Release

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

Environment = dict[str, Any]
Headers = list[tuple[str, str]]
ReadBody = Callable[[], bytes]
GetCall = Callable[[Environment, ReadBody], Call | None]
# Where the application finds its admission.
ADMISSION = "tollgate.admission"


class TollgateMiddleware:
    """Answers a refusal itself; else the application runs.

    `get_call(environ, read_body)` says which call a request is, or None where it costs
    nothing. It may read the body, of up to `largest_body` bytes; the application then
    reads the same again. Answers are passed on part by part. If the application raises
    or answers 500 or above, what is held is released; else the call's event settles it.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        client: TollgateClient,
        get_call: GetCall,
        largest_body: int = 4 * 1024 * 1024,
    ) -> None:
        self._app = app
        self._client = client
        self._get_call = get_call
        self._largest_body = largest_body

    def __call__(
        self, environ: Environment, start_response: "StartResponse"
    ) -> Iterable[bytes]:
        try:
            call = self._get_call(environ, lambda: self._read_body(environ))
        except BodyTooLargeError:
            return _refuse(too_large(), start_response)
        if call is None:
            return self._app(environ, start_response)
        admission = self._client.admit_call(call)
        if not admission.admitted:
            return _refuse(as_refusal(admission), start_response)
        environ[ADMISSION] = admission
        release = Release(self._client, admission)
        start = _Start(start_response, [*admission.headers.items()])
        with release:
            return _Answer(self._app(environ, start), start, release)

    def _read_body(self, environ: Environment) -> bytes:
        size = self._largest_body + 1
        if not environ.get("wsgi.input_terminated"):
            size = min(size, int(environ.get("CONTENT_LENGTH") or 0))
        body: bytes = environ["wsgi.input"].read(size)
        if len(body) > self._largest_body:
            raise BodyTooLargeError
        environ["wsgi.input"] = BytesIO(body)
        return body


class _Start:
    """Adds headers to an application's answer, and notes its status."""

    def __init__(self, start_response: "StartResponse", headers: Headers) -> None:
        self._start_response = start_response
        self._headers = headers
        self.status = 0

    def __call__(
        self, status: str, headers: Headers, exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        self.status = int(status.partition(" ")[0])
        own = {name.lower() for name, _ in headers}
        more = [header for header in self._headers if header[0].lower() not in own]
        return self._start_response(status, [*headers, *more], exc_info)


class _Answer:
    """An application's answer, part by part as it comes."""

    def __init__(self, parts: Iterable[bytes], start: _Start, release: Release) -> None:
        self._parts = parts
        self._iterator: Iterator[bytes] | None = None
        self._start = start
        self._release = release

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._release:
            if self._iterator is None:
                self._iterator = iter(self._parts)
            return next(self._iterator)

    def close(self) -> None:
        try:
            if hasattr(self._parts, "close"):
                self._parts.close()
        finally:
            if self._start.status >= FAULT:
                self._release()


def _refuse(refusal: Refusal, start_response: "StartResponse") -> Iterable[bytes]:
    start_response(refusal.status_line, refusal.headers)
    return [refusal.body]
