"""An ASGI middleware that asks before the application runs."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ratelimits.enforcement.admissions import (
    Admission,
    BodyTooLargeError,
    Call,
    Refusal,
    as_refusal,
    too_large,
)
from ratelimits.enforcement.client import TollgateClient
from ratelimits.enforcement.releasing import FAULT, Release

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
ReadBody = Callable[[], Awaitable[bytes]]
GetCall = Callable[[Scope, ReadBody], Awaitable[Call | None]]
# Where the application finds its admission.
ADMISSION = "tollgate.admission"


class TollgateMiddleware:
    """Answers a refusal itself; else the application runs.

    `await get_call(scope, read_body)` says which call a request is, or None where it
    costs nothing. It may await the body, of up to `largest_body` bytes; the application
    then receives the same again. Tollgate is asked in a thread, so that the loop goes
    on. Answers are passed on part by part. If the application raises or answers 500 or
    above, what is held is released; else the call's event settles it.
    """

    def __init__(
        self,
        app: Application,
        *,
        client: TollgateClient,
        get_call: GetCall,
        largest_body: int = 4 * 1024 * 1024,
    ) -> None:
        self._app = app
        self._client = client
        self._get_call = get_call
        self._largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, self._largest_body)
        try:
            call = await self._get_call(scope, body.read)
        except BodyTooLargeError:
            await _refuse(too_large(), send)
            return
        if call is None:
            await self._app(scope, body.receive, send)
            return
        admission = await asyncio.to_thread(self._client.admit_call, call)
        if not admission.admitted:
            await _refuse(as_refusal(admission), send)
            return
        await self._run({**scope, ADMISSION: admission}, body.receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        admission: Admission = scope[ADMISSION]
        sender = _Sender(send, admission)
        async with Release(self._client, admission) as release:
            await self._app(scope, receive, sender)
            if sender.status >= FAULT:
                await asyncio.to_thread(release)


class _Sender:
    """Adds headers to an application's answer, and notes its status."""

    def __init__(self, send: Send, admission: Admission) -> None:
        self._send = send
        self._headers = _encode([*admission.headers.items()])
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ())]
            own = {bytes(name).lower() for name, _ in headers}
            more = [header for header in self._headers if header[0] not in own]
            message = {**message, "headers": [*headers, *more]}
        await self._send(message)


class _Body:
    """A request's body, which may be read ahead and is then received again."""

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._largest = largest
        self._ahead: deque[Message] = deque()
        self._size = 0
        self._is_more = True

    async def read(self) -> bytes:
        while self._is_more:
            message = await self._receive()
            self._ahead.append(message)
            # A caller that has gone sends a message without either.
            self._size += len(message.get("body", b""))
            self._is_more = message.get("more_body", False)
            if self._size > self._largest:
                raise BodyTooLargeError
        return b"".join(message.get("body", b"") for message in self._ahead)

    async def receive(self) -> Message:
        return self._ahead.popleft() if self._ahead else await self._receive()


async def _refuse(refusal: Refusal, send: Send) -> None:
    headers = _encode(refusal.headers)
    start = {"type": "http.response.start", "status": refusal.status}
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})


def _encode(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), text.encode("latin-1")) for name, text in headers]
