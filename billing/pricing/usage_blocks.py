"""Own the reading of a provider's `usage` block into disjoint parts."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from billing.pricing.dimensions import (
    INPUT_PARTS,
    INPUT_TOKENS,
    OUTPUT_PARTS,
    OUTPUT_TOKENS,
)
from billing.pricing.quantities import (
    PartsExceedTotalError,
    Reason,
    UnratableError,
    read_quantity,
)
from billing.pricing.usage_shapes import SHAPES, Shape
from ledger.money import WIDE, ZERO, as_text, total

_MAX_DEPTH: Final = 4
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# A whole response may be given; the block is found in it.
_WRAPPERS: Final = ("usage", "usage_metadata", "usageMetadata", "meta")

# Properties that a rate may depend on, and what blocks call them.
_TEXTS: Final = {
    "service_class": "service_tier",
    "region": "inference_geo",
    "search_context_size": "search_context_size",
}

# Parts that blocks count inside another part too.
_INSIDE: Final = (
    ("cache_write_1h_tokens", "cache_write_5m_tokens"),
    ("cached_audio_input_tokens", "audio_input_tokens"),
    ("cached_audio_input_tokens", "cached_input_tokens"),
    ("cached_image_input_tokens", "image_input_tokens"),
    ("cached_image_input_tokens", "cached_input_tokens"),
    ("cached_video_input_tokens", "video_input_tokens"),
    ("cached_video_input_tokens", "cached_input_tokens"),
)


def extract(block: object) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Return the disjoint parts that a block states, and the properties beside them.

    Parts of which there are none are left out, totals are not.

    :raises UnratableError: if no shape fits, a number is none, or parts exceed a total.
    """
    fields = dict(_flatten(_unwrap(block)))
    shape = _find_shape(fields)
    parts = _read_parts(fields, shape.parts)
    for part, whole in _INSIDE:
        if part in parts and whole in parts:
            parts[whole] = _without(parts[whole], parts[part], whole, part)
    quantities = {
        **_rest(fields, shape.input_tokens, INPUT_TOKENS, parts, INPUT_PARTS),
        **_rest(fields, shape.output_tokens, OUTPUT_TOKENS, parts, OUTPUT_PARTS),
        **parts,
        **_read_parts(fields, shape.beside),
    }
    texts = {
        name: value
        for name, path in _TEXTS.items()
        if isinstance(value := fields.get(path), str)
    }
    return quantities, texts


def _unwrap(block: object) -> object:
    """Return the block inside a response, or the block itself."""
    if isinstance(block, Mapping):
        for name in _WRAPPERS:
            if isinstance(block.get(name), Mapping):
                return block[name]
    return block


def _flatten(
    value: object, path: str = "", depth: int = 0
) -> Iterator[tuple[str, object]]:
    """Yield what is stated under dotted names: `prompt_tokens_details.audio`."""
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flatten(inner, _join(path, str(name)), depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, list):
        yield from _flatten_list(value, path)
    elif value is not None:
        yield path, value


def _join(path: str, name: str) -> str:
    """Return a dotted name in snake case, with one spelling of `details`."""
    snake = _HUMP.sub("_", name).lower().replace("token_details", "tokens_details")
    return f"{path}.{snake}" if path else snake


def _flatten_list(items: list[object], path: str) -> Iterator[tuple[str, object]]:
    """Yield counts that are listed by modality, or by how long a cache keeps them."""
    for item in items:
        fields = dict(_flatten(item))
        label = fields.get("modality", fields.get("ttl"))
        count = fields.get("token_count", fields.get("input_tokens"))
        if isinstance(label, str) and count is not None:
            yield f"{path}.{label.lower()}", count


def _find_shape(fields: Mapping[str, object]) -> Shape:
    """Return the first shape that has one of its marks in a block."""
    for shape in SHAPES.values():
        if any(mark in fields for mark in shape.marks):
            return shape
    names = ", ".join(sorted(fields)[:5]) or "nothing"
    detail = f"usage is of no known shape: it states {names[:100]}."
    raise UnratableError(Reason.UNKNOWN_USAGE, detail)


def _read_parts(
    fields: Mapping[str, object], sources: Mapping[str, str]
) -> dict[str, Decimal]:
    """Return the parts of which there are some."""
    read = ((name, _read(fields, source)) for name, source in sources.items())
    return {name: quantity for name, quantity in read if quantity}


def _read(fields: Mapping[str, object], source: str) -> Decimal | None:
    """Return the sum of a source's terms, if one of them is there."""
    found = [
        read_quantity(f"usage.{path}", fields[path])
        for term in source.split(" + ")
        if (path := next((p for p in term.split(" | ") if p in fields), None))
    ]
    return total(found) if found else None


def _rest(
    fields: Mapping[str, object],
    source: str,
    name: str,
    parts: Mapping[str, Decimal],
    inside: frozenset[str],
) -> dict[str, Decimal]:
    """Return what is left of a total without its parts, if there is a total."""
    whole = _read(fields, source)
    taken = {part: quantity for part, quantity in parts.items() if part in inside}
    if whole is None and not taken:
        return {}
    if _is_reasoning_beside(fields, taken):
        return {name: whole or ZERO}
    left = whole or ZERO
    for part, quantity in taken.items():
        left = _without(left, quantity, source, part)
    return {name: left}


def _is_reasoning_beside(
    fields: Mapping[str, object], taken: Mapping[str, Decimal]
) -> bool:
    """Tell whether a block's own total counts reasoning beside the output, as xAI's."""
    reasoning = taken.get("reasoning_tokens")
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    if not reasoning or not all(name in fields for name in names):
        return False
    inputs, outputs, everything = (
        read_quantity(f"usage.{name}", fields[name]) for name in names
    )
    return total([inputs, outputs, reasoning]) == everything


def _without(whole: Decimal, part: Decimal, of: str, name: str) -> Decimal:
    """Return what is left of a quantity without a part of it.

    :raises UnratableError: if the part is larger.
    """
    if part > whole:
        detail = (
            f"usage states {as_text(part)} {name}, more than is left of {of} "
            f"({as_text(whole)})."
        )
        raise PartsExceedTotalError("usage", detail)
    return WIDE.subtract(whole, part)
