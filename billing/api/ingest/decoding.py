"""Our own wire format: JSON of one event, an array, or `{"events": […]}`.

Every event is decoded alone, so that a bad one spoils no other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from billing.posted_json import (
    MAX_EVENT_BYTES,
    check_limits,
    read_number,
    without_lone_surrogates,
)
from billing.repeated_members import RepeatedMemberError, check_unrepeated
from billing.services.events import PostedEvent, StreamPart

MAX_EVENTS = 1_000
MAX_BYTES = 4 * 1024 * 1024
# Of commas: a thousand events have no more, and each costs memory before it is refused.
MAX_PARTS = 200_000
_Key = Annotated[str, Meta(min_length=1, max_length=255)]
_CustomerId = Annotated[str, Meta(min_length=1, max_length=64)]
_Name = Annotated[str, Meta(min_length=1, max_length=100)]
_KeyPrefix = Annotated[str, Meta(min_length=1, max_length=64)]
_Sequence = Annotated[int, Meta(ge=0, le=9_999)]
_Time = Annotated[datetime, Meta(tz=True)]


class _Stream(msgspec.Struct, forbid_unknown_fields=True):
    sequence: _Sequence
    final: bool


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    idempotency_key: _Key
    customer_id: _CustomerId
    event_name: _Name
    timestamp: _Time
    properties: dict[str, Any]
    stream: _Stream | None = None
    api_key: _KeyPrefix | None = None


_DECODER = msgspec.json.Decoder(_Event, float_hook=read_number)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_MESSAGE = re.compile(r"(?P<problem>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)


class MalformedBodyError(Exception):
    """The body is not JSON of one event or of a list of them."""


class TooManyEventsError(Exception):
    """The body holds more events than one request may."""


@dataclass(frozen=True, slots=True)
class BadEvent:
    """An event that could not be read: which field, and why."""

    path: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a request holds; `prefix` is the path of names that leads to its events."""

    events: list[PostedEvent | BadEvent]
    prefix: tuple[str, ...]
    is_single: bool


def decode_body(body: bytes) -> Body:
    """Read a request's events, each on its own.

    :raises MalformedBodyError: if it is not JSON, or no event and no list of them.
    :raises TooManyEventsError: if it holds more than a thousand.
    """
    if body.count(b",") > MAX_PARTS:
        message = (
            f"A request may hold {MAX_EVENTS:,} events of {MAX_EVENT_BYTES:,} bytes."
        )
        raise TooManyEventsError(message)
    try:
        raw, prefix, is_single = _split(body)
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise MalformedBodyError(_problem(error)) from error
    if len(raw) > MAX_EVENTS:
        message = (
            f"A request may hold {MAX_EVENTS:,} events; this one has {len(raw):,}."
        )
        raise TooManyEventsError(message)
    return Body(list(_decode_each(raw)), prefix, is_single)


def _split(body: bytes) -> tuple[list[msgspec.Raw], tuple[str, ...], bool]:
    if b"\\u" in body:
        body = without_lone_surrogates(body)
    if body.lstrip()[:1] == b"[":
        return _ARRAY.decode(body), (), False
    members = _OBJECT.decode(body)
    if members.keys() == {"events"}:
        _check_one_list(body, members["events"])
        return _ARRAY.decode(members["events"]), ("events",), False
    return [msgspec.Raw(body.strip())], (), True


def _check_one_list(body: bytes, events: msgspec.Raw) -> None:
    """Refuse a second list of events, of which only the last would be read."""
    before = body.rstrip()[:-1].rstrip().removesuffix(bytes(events))
    # That of the only member: a name that is spelled in full has none of its own.
    if before.count(b":") > 1:
        message = "'events' is there twice."
        raise MalformedBodyError(message)


def _decode_each(raw: list[msgspec.Raw]) -> Iterator[PostedEvent | BadEvent]:
    for text in raw:
        try:
            yield _posted(_DECODER.decode(text), text)
        except RepeatedMemberError as error:
            yield BadEvent(error.path, str(error))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield as_bad(error)


def _posted(event: _Event, text: msgspec.Raw) -> PostedEvent:
    check_limits(bytes(text), event.properties)
    check_unrepeated(bytes(text))
    return PostedEvent(
        customer=event.customer_id,
        idempotency_key=event.idempotency_key,
        event_name=event.event_name,
        occurred_at=event.timestamp,
        properties=event.properties,
        stream=_part(event.stream),
        api_key=event.api_key,
    )


def _part(stream: _Stream | None) -> StreamPart | None:
    return StreamPart(stream.sequence, stream.final) if stream else None


def as_bad(error: Exception) -> BadEvent:
    """Say which field could not be read, and why."""
    if not isinstance(error, msgspec.ValidationError):
        return BadEvent((), _problem(error))
    match = _MESSAGE.fullmatch(str(error))
    assert match  # noqa: S101 - the pattern takes any text.
    problem, path = match["problem"], match["path"] or ""
    names = tuple(name for name in path.replace("[...]", "").split(".") if name)
    for pattern in (_MISSING, _UNKNOWN):
        named = pattern.fullmatch(problem)
        if named:
            names = (*names, named[1])
    return BadEvent(names, f"{problem}.")


def _problem(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The JSON is nested too deeply."
    return f"{error}."
