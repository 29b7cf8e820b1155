"""Our own wire format: JSON of one event, an array, or `{"events": […]}`.

Every event is decoded alone, so that a bad one spoils no other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from billing.services.events import PostedEvent, StreamPart

MAX_EVENTS = 1_000
MAX_BYTES = 4 * 1024 * 1024
MAX_EVENT_BYTES = 64 * 1024
# Of commas: a thousand events have no more, and each costs memory before it is refused.
MAX_PARTS = 200_000
MAX_DEPTH = 32
# Of a number with a fraction or an exponent, written out in full.
MAX_NUMBER = 100
_Key = Annotated[str, Meta(min_length=1, max_length=255)]
_CustomerId = Annotated[str, Meta(min_length=1, max_length=64)]
_Name = Annotated[str, Meta(min_length=1, max_length=100)]
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


def _read_number(text: str) -> Decimal:
    """Return a number as it will be read from the database: 1e2 is 100."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = None
    if number is None or max(len(text), abs(number.adjusted())) > MAX_NUMBER:
        message = f"Numbers may have {MAX_NUMBER} digits"
        raise msgspec.ValidationError(message)
    return Decimal(f"{number:f}") if number else number.copy_abs()


_DECODER = msgspec.json.Decoder(_Event, float_hook=_read_number)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_MESSAGE = re.compile(r"(?P<problem>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)
_SURROGATE = re.compile(
    rb"(?P<kept>\\\\|\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w)|\\u[dD][89a-fA-F]\w\w"
)
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
        body = _without_lone_surrogates(body)
    if body.lstrip()[:1] == b"[":
        return _ARRAY.decode(body), (), False
    members = _OBJECT.decode(body)
    if members.keys() == {"events"}:
        return _ARRAY.decode(members["events"]), ("events",), False
    return [msgspec.Raw(body.strip())], (), True


def _without_lone_surrogates(body: bytes) -> bytes:
    """Put NUL, which spoils its own event alone, for halves of a character.

    JSON may write them, but no text can hold them, so that msgspec refuses all of it.
    """
    return _SURROGATE.sub(lambda match: match[0] if match["kept"] else b"\\u0000", body)


def _decode_each(raw: list[msgspec.Raw]) -> Iterator[PostedEvent | BadEvent]:
    for text in raw:
        try:
            yield _posted(_DECODER.decode(text), text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            yield _bad(error)


def _posted(event: _Event, text: msgspec.Raw) -> PostedEvent:
    raw = bytes(text)
    if b"\\u0000" in raw:
        message = "Text must not hold NUL or half of a character"
        raise msgspec.ValidationError(message)
    if len(raw) > MAX_EVENT_BYTES:
        message = f"An event may have {MAX_EVENT_BYTES:,} bytes"
        raise msgspec.ValidationError(message)
    if _is_deep(event.properties, MAX_DEPTH):
        message = "The JSON is nested too deeply"
        raise msgspec.ValidationError(message)
    return PostedEvent(
        customer=event.customer_id,
        idempotency_key=event.idempotency_key,
        event_name=event.event_name,
        occurred_at=event.timestamp,
        properties=event.properties,
        stream=_part(event.stream),
    )


def _is_deep(value: object, levels: int) -> bool:
    """Tell whether objects and arrays lie within each other beyond that many levels."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return not levels or any(_is_deep(child, levels - 1) for child in value)


def _part(stream: _Stream | None) -> StreamPart | None:
    return StreamPart(stream.sequence, stream.final) if stream else None


def _bad(error: Exception) -> BadEvent:
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
