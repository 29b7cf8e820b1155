"""What a service asks of a call, and what it is told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast

PROBLEM = "application/problem+json"
_UNAVAILABLE = (
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
)
# What the caller of the service should see of Tollgate's answer.
_HANDED_ON = ("ratelimit", "x-ratelimit-", "anthropic-ratelimit-")
_ALSO_HANDED_ON = {"retry-after", "tollgate-warning"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that is about to be made, and the most that it may use.

    `request_id` is the idempotency key that its event will have. Whose call it is, is
    said by `customer_id` or by the customer's own `api_key`, with its secret; by
    neither if the service signs in with a customer's key.
    """

    request_id: str
    model: str
    input_tokens: int
    max_output_tokens: int
    customer_id: str | None = None
    api_key: str | None = field(default=None, repr=False)
    properties: Mapping[str, object] | None = None

    def as_json(self) -> dict[str, object]:
        """Return the body that asks for it; what is not said is left out."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The answer to "may this call run?".

    `status` is what a refused caller should be answered with, `problem` with which
    body, `headers` are to be handed on in either case. `is_known` is false if Tollgate
    could not be asked, so that what holds was decided here.
    """

    admitted: bool
    status: int
    request_id: str
    customer_id: str | None = None
    limit_source: str | None = None
    retry_after: int | None = None
    expires_at: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: Mapping[str, Any] = field(default_factory=dict)
    is_known: bool = True

    @property
    def has_hold(self) -> bool:
        """Whether there is something to release if the call fails."""
        return self.admitted and self.is_known


def read_admission(
    call: Call, status: int, headers: Mapping[str, str], body: object
) -> Admission | None:
    """Return what Tollgate has answered; nothing if that is no answer of Tollgate."""
    if not isinstance(body, dict):
        return None
    is_admitted = status == HTTPStatus.OK and body.get("admitted") is True
    is_refused = status >= HTTPStatus.BAD_REQUEST and "status" in body
    if not is_admitted and not is_refused:
        return None
    return Admission(
        admitted=is_admitted,
        status=status,
        request_id=call.request_id,
        customer_id=body.get("customer_id") or call.customer_id,
        limit_source=body.get("limit_source"),
        retry_after=_read_seconds(headers.get("Retry-After")),
        expires_at=read_time(body.get("expires_at")),
        headers=_handed_on(headers),
        problem={} if is_admitted else body,
    )


def unavailable(
    call: Call, *, is_admitted: bool = False, retry_after: int = 1
) -> Admission:
    """Return what holds of a call that Tollgate could not be asked about."""
    status = HTTPStatus.OK if is_admitted else HTTPStatus.SERVICE_UNAVAILABLE
    problem = problem_of(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Whether the call may run cannot be found out now. Send it again.",
        kind=_UNAVAILABLE,
    )
    return Admission(
        admitted=is_admitted,
        status=status,
        request_id=call.request_id,
        customer_id=call.customer_id,
        retry_after=None if is_admitted else retry_after,
        headers={} if is_admitted else {"Retry-After": str(retry_after)},
        problem={} if is_admitted else problem,
        is_known=False,
    )


def problem_of(
    status: HTTPStatus, detail: str, *, kind: str = "about:blank"
) -> dict[str, Any]:
    """Return a problem of our own, as Tollgate writes them (RFC 9457)."""
    return {
        "type": kind,
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "code": status.name.lower(),
    }


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer that says why a call may not run."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def status_line(self) -> str:
        """Return the status as WSGI writes it, such as `402 Payment Required`."""
        known = {int(status): status.phrase for status in HTTPStatus}
        return f"{self.status} {known.get(self.status, 'Refused')}"


def as_refusal(admission: Admission) -> Refusal:
    """Return the answer to the caller of a service whose call was refused."""
    return write_refusal(admission.status, admission.problem, admission.headers)


def write_refusal(
    status: int, problem: Mapping[str, Any], headers: Mapping[str, str]
) -> Refusal:
    """Return an answer with a problem as its body."""
    body = json.dumps(problem).encode()
    own = [("Content-Type", PROBLEM), ("Content-Length", str(len(body)))]
    return Refusal(status, [*own, *headers.items()], body)


class BodyTooLargeError(Exception):
    """The request has more in it than may be read before it is admitted."""


def too_large() -> Refusal:
    """Return the answer to a request whose body is too large to be read first."""
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return write_refusal(status, problem_of(status, "The body is too large."), {})


def read_time(value: object) -> datetime | None:
    """Return a time that was answered, if it is one."""
    try:
        return datetime.fromisoformat(cast("str", value))
    except (TypeError, ValueError):
        return None


def _read_seconds(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() else None


def _handed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower().startswith(_HANDED_ON) or name.lower() in _ALSO_HANDED_ON
    }
