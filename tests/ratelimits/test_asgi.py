"""The ASGI middleware, driven by hand as a server drives it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ratelimits.enforcement.admissions import Call
from ratelimits.enforcement.asgi import (
    Message,
    ReadBody,
    Receive,
    Scope,
    Send,
    TollgateMiddleware,
)
from ratelimits.enforcement.client import TollgateClient
from tests.ratelimits.tollgate_fake import CUSTOMER, LIMITS, TollgateFake

HEADERS = [(name.lower().encode(), text.encode()) for name, text in LIMITS.items()]
ONE = {"type": "http.response.body", "body": b"one", "more_body": True}
TWO = {"type": "http.response.body", "body": b"two"}


@dataclass
class Service:
    """An application that answers as it is told, and notes what it was sent."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    error: type[BaseException] | None = None
    scopes: list[Scope] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    between: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.received += [await receive(), await receive()]
        start = {"type": "http.response.start", "status": self.status}
        await send({**start, "headers": self.headers})
        await send(ONE)
        self.between()
        if self.error:
            raise self.error
        await send(TWO)


async def get_call(scope: Scope, read_body: ReadBody) -> Call | None:
    if scope["path"] == "/free":
        return None
    asked = json.loads(await read_body())
    return Call(
        request_id="req_1",
        model=asked["model"],
        input_tokens=1,
        max_output_tokens=asked["max_tokens"],
        customer_id=CUSTOMER,
    )


@dataclass
class Server:
    """What a server sends to an application, and what it gets."""

    app: TollgateMiddleware
    got: list[Message] = field(default_factory=list)

    def request(
        self, *, path: str = "/chat", kind: str = "http", max_tokens: int = 2
    ) -> None:
        body = json.dumps({"model": "dollar-token", "max_tokens": max_tokens}).encode()
        parts: list[Message] = [
            {"type": "http.request", "body": body[:9], "more_body": True},
            {"type": "http.request", "body": body[9:]},
            {"type": "http.disconnect"},
        ]

        async def receive() -> Message:
            return parts.pop(0)

        async def send(message: Message) -> None:
            self.got.append(message)

        asyncio.run(self.app({"type": kind, "path": path}, receive, send))

    @property
    def problem(self) -> Any:
        return json.loads(self.got[1]["body"])


def server_of(
    service: Service, client: TollgateClient, get_call: Any = get_call, **options: Any
) -> Server:
    app = TollgateMiddleware(service, client=client, get_call=get_call, **options)
    return Server(app)


class TestAnAdmittedCall:
    def test_runs_and_keeps_its_hold(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        server = server_of(Service(headers=[(b"x-own", b"1")]), tollgate)

        server.request()

        start = {"type": "http.response.start", "status": 200}
        headers = [(b"x-own", b"1"), *HEADERS]
        assert server.got == [{**start, "headers": headers}, ONE, TWO]
        assert fake.holds == {"req_1": 3}

    def test_that_raises_releases_its_hold(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        server = server_of(Service(error=LookupError), tollgate)

        with pytest.raises(LookupError):
            server.request()

        assert fake.holds == {}

    @pytest.mark.parametrize(
        ("status", "is_held"), [(500, False), (503, False), (499, True)]
    )
    def test_that_fails_releases_its_hold(
        self,
        fake: TollgateFake,
        tollgate: TollgateClient,
        status: int,
        is_held: bool,
    ) -> None:
        server_of(Service(status=status), tollgate).request()

        assert bool(fake.holds) is is_held

    def test_whose_caller_goes_keeps_its_hold(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        server = server_of(Service(error=asyncio.CancelledError), tollgate)

        with pytest.raises(asyncio.CancelledError):
            server.request()

        assert fake.holds == {"req_1": 3}


class TestTheApplication:
    def test_receives_what_was_read_before(self, tollgate: TollgateClient) -> None:
        service = Service()

        server_of(service, tollgate).request()

        body = b"".join(message["body"] for message in service.received)
        assert json.loads(body)["model"] == "dollar-token"

    def test_finds_its_admission(self, tollgate: TollgateClient) -> None:
        service = Service()

        server_of(service, tollgate).request()

        assert service.scopes[0]["tollgate.admission"].request_id == "req_1"

    def test_may_say_itself_what_its_limits_are(self, tollgate: TollgateClient) -> None:
        server = server_of(Service(headers=[(b"RateLimit", b"own")]), tollgate)

        server.request()

        sent = [name.lower() for name, _ in server.got[0]["headers"]]
        assert sent.count(b"ratelimit") == 1

    def test_streams_part_by_part(self, tollgate: TollgateClient) -> None:
        service = Service()
        server = server_of(service, tollgate)
        seen: list[int] = []
        service.between = lambda: seen.append(len(server.got))

        server.request()

        assert seen == [2]

    @pytest.mark.parametrize(
        ("path", "kind"), [("/free", "http"), ("/", "lifespan"), ("/", "websocket")]
    )
    def test_is_not_asked_about_where_it_costs_nothing(
        self, fake: TollgateFake, tollgate: TollgateClient, path: str, kind: str
    ) -> None:
        service = Service()
        server = server_of(service, tollgate)

        server.request(path=path, kind=kind)

        assert server.got[1:] == [ONE, TWO]
        assert len(service.received) == 2
        assert fake.asked == []

    def test_may_be_looked_at_twice(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        async def read_twice(scope: Scope, read_body: ReadBody) -> Call | None:
            assert await read_body() == await read_body()
            return await get_call(scope, read_body)

        server_of(Service(), tollgate, read_twice).request()

        assert fake.holds == {"req_1": 3}


class TestARefusedCall:
    def test_never_runs(self, tollgate: TollgateClient) -> None:
        service = Service()
        server = server_of(service, tollgate)

        server.request(max_tokens=5)

        assert service.scopes == []
        assert server.got[0]["status"] == 402
        headers = dict(server.got[0]["headers"])
        assert headers[b"content-type"] == b"application/problem+json"
        assert dict(HEADERS).items() <= headers.items()
        assert server.problem["limit_source"] == "account_credits"

    def test_is_told_when_to_come_again(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        fake.is_too_fast = True
        server = server_of(Service(), tollgate)

        server.request()

        assert server.got[0]["status"] == 429
        assert dict(server.got[0]["headers"])[b"retry-after"] == b"7"

    def test_may_be_refused_for_its_size(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        service = Service()
        server = server_of(service, tollgate, largest_body=20)

        server.request()

        assert server.got[0]["status"] == 413
        assert (service.scopes, fake.asked) == ([], [])


def test_asking_blocks_no_loop(fake: TollgateFake) -> None:
    client = TollgateClient(fake.url, "", timeout=0.2)
    fake.hanging = 0.3
    app = server_of(Service(), client).app
    ticks: list[None] = []

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.01)
            ticks.append(None)

    async def ask() -> None:
        ticking = asyncio.create_task(tick())
        await app({"type": "http", "path": "/chat"}, _receive, _ignore)
        ticking.cancel()

    asyncio.run(ask())

    assert len(ticks) > 3
    client.close()


async def _receive() -> Message:
    body = b'{"model": "m", "max_tokens": 1}'
    return {"type": "http.request", "body": body}


async def _ignore(message: Message) -> None:
    """Drop what is sent."""
    assert message["type"].startswith("http.response")
