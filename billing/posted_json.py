"""What posted JSON may hold: exact numbers, whole text, and not too much. Pure."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from billing.repeated_members import RepeatedMemberError, check_unrepeated

MAX_EVENT_BYTES = 64 * 1024
MAX_DEPTH = 32
# Of a number with a fraction or an exponent, written out in full.
MAX_NUMBER = 100

_SURROGATE = re.compile(
    rb"(?P<kept>\\\\|\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w)|\\u[dD][89a-fA-F]\w\w"
)


class BadPropertiesError(ValueError):
    """The text is not the JSON of an object that an event may hold."""


def decode_properties(text: str) -> dict[str, Any]:
    """Return an event's properties from their JSON, as they would be from its post.

    :raises BadPropertiesError: if it is no object, or more than an event may hold.
    """
    raw = without_lone_surrogates(text.encode())
    decoder = msgspec.json.Decoder(dict[str, Any], float_hook=read_number)
    try:
        properties = decoder.decode(raw)
        check_limits(raw, properties)
        check_unrepeated(raw)
    except RepeatedMemberError as error:
        raise BadPropertiesError(str(error)) from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadPropertiesError(f"{error}.") from error
    return properties


def read_number(text: str) -> Decimal:
    """Return a number as it will be read from the database: 1e2 is 100."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = None
    if number is None or max(len(text), abs(number.adjusted())) > MAX_NUMBER:
        message = f"Numbers may have {MAX_NUMBER} digits"
        raise msgspec.ValidationError(message)
    return Decimal(f"{number:f}") if number else number.copy_abs()


def without_lone_surrogates(body: bytes) -> bytes:
    """Put NUL, which spoils its own event alone, for halves of a character.

    JSON may write them, but no text can hold them, so that msgspec refuses all of it.
    """
    return _SURROGATE.sub(lambda match: match[0] if match["kept"] else b"\\u0000", body)


def check_limits(raw: bytes, properties: object) -> None:
    """Check what an event may be made of, beyond its types.

    :raises msgspec.ValidationError: if it is too long or too deep, or holds NUL.
    """
    if b"\\u0000" in raw:
        message = "Text must not hold NUL or half of a character"
        raise msgspec.ValidationError(message)
    if len(raw) > MAX_EVENT_BYTES:
        message = f"An event may have {MAX_EVENT_BYTES:,} bytes"
        raise msgspec.ValidationError(message)
    if _is_deep(properties, MAX_DEPTH):
        message = "The JSON is nested too deeply"
        raise msgspec.ValidationError(message)


def _is_deep(value: object, levels: int) -> bool:
    """Tell whether objects and arrays lie within each other beyond that many levels."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return not levels or any(_is_deep(child, levels - 1) for child in value)
