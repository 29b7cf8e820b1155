"""JSON whose numbers stay exact, in one canonical text per value. Pure."""

from decimal import Decimal
from typing import Any

import msgspec

# Keys sorted and decimals as numbers, so that one payload has one text.
_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def encode(value: object) -> bytes:
    """Return the canonical JSON of a value made of JSON types and decimals."""
    return _ENCODER.encode(value)


def decode(text: str) -> Any:
    """Return a JSON value; a number with a fraction becomes a Decimal."""
    return _DECODER.decode(text)
