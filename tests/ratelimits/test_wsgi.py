"""The WSGI middleware, between a server and an application that obey PEP 3333."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from ratelimits.enforcement.admissions import Admission, Call
from ratelimits.enforcement.client import TollgateClient
from ratelimits.enforcement.wsgi import TollgateMiddleware
from tests.ratelimits.tollgate_fake import CUSTOMER, KEY, LIMITS, TollgateFake


@dataclass
class Service:
    """An application that answers as it is told, and notes what it was sent."""

    status: str = "200 OK"
    parts: list[bytes] = field(default_factory=lambda: [b"one", b"two"])
    headers: list[tuple[str, str]] = field(default_factory=list)
    # Before the answer begins, or after so many of its parts.
    raises_at: int | None = None
    is_lazy: bool = False
    ran: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        self.ran.append(environ)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.bodies.append(environ["wsgi.input"].read(length))
        return self._answer(start) if self.is_lazy else self._at_once(start)

    def _at_once(self, start: Any) -> Iterable[bytes]:
        if self.raises_at == 0:
            raise LookupError
        start(self.status, [("Content-Type", "text/plain"), *self.headers])
        return self._produce()

    def _answer(self, start: Any) -> Iterator[bytes]:
        yield from self._at_once(start)

    def _produce(self) -> Iterator[bytes]:
        for number, part in enumerate(self.parts, start=1):
            if number == self.raises_at:
                raise LookupError
            yield part


def get_call(environ: dict[str, Any], read_body: Callable[[], bytes]) -> Call | None:
    if environ["PATH_INFO"] == "/free":
        return None
    asked = json.loads(read_body())
    return Call(
        request_id="req_1",
        model=asked["model"],
        input_tokens=1,
        max_output_tokens=asked["max_tokens"],
        customer_id=CUSTOMER,
    )


@dataclass
class Answered:
    status: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)


def environment_of(path: str, max_tokens: int) -> dict[str, Any]:
    body = json.dumps({"model": "dollar-token", "max_tokens": max_tokens}).encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    setup_testing_defaults(environ)
    return environ


def request(
    service: Service,
    client: TollgateClient,
    *,
    path: str = "/chat",
    parts: int | None = None,
    max_tokens: int = 2,
    **options: Any,
) -> Answered:
    """Call the service as a server does, up to so many parts of its answer."""
    environ = environment_of(path, max_tokens)
    answered = Answered()

    def start(status: str, headers: Any, exc_info: Any = None) -> Any:  # noqa: ARG001
        answered.status, answered.headers = status, dict(headers)

    inner = TollgateMiddleware(
        validator(service), client=client, get_call=get_call, **options
    )
    answer: Any = validator(inner)(environ, start)
    try:
        for part in answer:
            answered.parts.append(part)
            if len(answered.parts) == parts:
                break
    finally:
        answer.close()
    return answered


@pytest.mark.parametrize("is_lazy", [False, True])
class TestAnAdmittedCall:
    def test_runs_and_keeps_its_hold(
        self, fake: TollgateFake, tollgate: TollgateClient, is_lazy: bool
    ) -> None:
        answered = request(Service(is_lazy=is_lazy), tollgate)

        assert (answered.status, answered.parts) == ("200 OK", [b"one", b"two"])
        assert answered.headers == {"Content-Type": "text/plain", **LIMITS}
        assert fake.holds == {"req_1": 3}

    @pytest.mark.parametrize("raises_at", [0, 1, 2])
    def test_that_raises_releases_its_hold(
        self,
        fake: TollgateFake,
        tollgate: TollgateClient,
        is_lazy: bool,
        raises_at: int,
    ) -> None:
        with pytest.raises(LookupError):
            request(Service(is_lazy=is_lazy, raises_at=raises_at), tollgate)

        assert fake.holds == {}
        assert [method for method, _, _ in fake.asked] == ["POST", "DELETE"]

    @pytest.mark.parametrize(
        ("status", "is_held"), [("500 Oh", False), ("503 No", False), ("499 A", True)]
    )
    def test_that_fails_releases_its_hold(
        self,
        fake: TollgateFake,
        tollgate: TollgateClient,
        is_lazy: bool,
        status: str,
        is_held: bool,
    ) -> None:
        request(Service(status=status, is_lazy=is_lazy), tollgate)

        assert bool(fake.holds) is is_held

    def test_whose_caller_goes_keeps_its_hold(
        self, fake: TollgateFake, tollgate: TollgateClient, is_lazy: bool
    ) -> None:
        answered = request(Service(is_lazy=is_lazy), tollgate, parts=1)

        assert answered.parts == [b"one"]
        assert fake.holds == {"req_1": 3}


def test_a_call_that_fails_twice_releases_its_hold_once(
    fake: TollgateFake, tollgate: TollgateClient
) -> None:
    with pytest.raises(LookupError):
        request(Service(status="500 Oh", raises_at=2), tollgate)

    assert [method for method, _, _ in fake.asked] == ["POST", "DELETE"]


def test_a_call_without_a_hold_has_nothing_to_release(fake: TollgateFake) -> None:
    client = TollgateClient(fake.url, KEY, timeout=5, when_unreachable="admit")
    fake.answers = [(500, None, {})]

    answered = request(Service(status="500 Oh"), client)

    assert answered.status == "500 Oh"
    assert [method for method, _, _ in fake.asked] == ["POST"]
    client.close()


def test_a_body_of_unknown_length_is_read_to_its_end(tollgate: TollgateClient) -> None:
    environ = environment_of("/chat", 2) | {"wsgi.input_terminated": True}
    del environ["CONTENT_LENGTH"]
    app = TollgateMiddleware(Service(), client=tollgate, get_call=get_call)
    statuses: list[str] = []

    answer: Any = app(environ, lambda *said: statuses.append(said[0]))  # type: ignore[arg-type]

    assert (statuses, list(answer)) == (["200 OK"], [b"one", b"two"])


class TestTheApplication:
    def test_reads_what_was_read_before(self, tollgate: TollgateClient) -> None:
        service = Service()

        request(service, tollgate)

        assert json.loads(service.bodies[0])["model"] == "dollar-token"

    def test_finds_its_admission(self, tollgate: TollgateClient) -> None:
        service = Service()

        request(service, tollgate)

        admission: Admission = service.ran[0]["tollgate.admission"]
        assert (admission.request_id, admission.admitted) == ("req_1", True)

    def test_may_say_itself_what_its_limits_are(self, tollgate: TollgateClient) -> None:
        service = Service(headers=[("ratelimit", "own")])

        answered = request(service, tollgate)

        assert answered.headers["ratelimit"] == "own"
        assert "RateLimit" not in answered.headers

    def test_is_not_asked_about_where_it_costs_nothing(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        answered = request(Service(), tollgate, path="/free")

        assert answered.parts == [b"one", b"two"]
        assert fake.asked == []

    def test_streams_part_by_part(self, tollgate: TollgateClient) -> None:
        service = Service(parts=[b"one"], raises_at=2)

        def forever() -> Iterator[bytes]:
            while True:
                yield b"more"

        service._produce = forever  # type: ignore[method-assign]

        assert request(service, tollgate, parts=2).parts == [b"more", b"more"]


class TestARefusedCall:
    def test_never_runs(self, tollgate: TollgateClient) -> None:
        service = Service()

        answered = request(service, tollgate, max_tokens=5)

        assert service.ran == []
        assert answered.status == "402 Payment Required"
        assert answered.headers["Content-Type"] == "application/problem+json"
        assert answered.headers["RateLimit"] == LIMITS["RateLimit"]
        problem = json.loads(b"".join(answered.parts))
        assert problem["limit_source"] == "account_credits"
        assert answered.headers["Content-Length"] == str(len(answered.parts[0]))

    def test_is_told_when_to_come_again(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        fake.is_too_fast = True

        answered = request(Service(), tollgate)

        assert answered.status == "429 Too Many Requests"
        assert answered.headers["Retry-After"] == "7"

    def test_may_be_refused_for_its_size(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        service = Service()

        answered = request(service, tollgate, largest_body=10)

        assert answered.status.startswith("413 ")
        assert (service.ran, fake.asked) == ([], [])
