"""Own the reading of a provider's `usage` block into disjoint parts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
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
from billing.pricing.usage_leftovers import refuse_leftovers
from billing.pricing.usage_shapes import SHAPES, Shape, Term, read_source
from ledger.money import WIDE, ZERO, as_text, total

_MAX_DEPTH: Final = 4
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# A whole response may be given, or an event that holds one; the block is found in it.
_WRAPPERS: Final = (
    *("usage", "usage_metadata", "usageMetadata", "usage_info", "tokenUsage"),
    "meta",
)
_ENVELOPES: Final = ("response", "result")

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
    *around, inmost = _unwrap(block)
    fields = dict(_flatten(inmost))
    name = _find_shape(fields, inmost)
    shape = SHAPES[name]
    parts = _read_parts(fields, shape.parts)
    for part, whole in _INSIDE:
        if part in parts and whole in parts:
            parts[whole] = _without(parts[whole], parts[part], whole, part)
    quantities = {
        **_rest(fields, shape, INPUT_TOKENS, parts, INPUT_PARTS),
        **_rest(fields, shape, OUTPUT_TOKENS, parts, OUTPUT_PARTS),
        **parts,
        **_read_parts(fields, shape.beside),
    }
    refuse_leftovers(fields, name, quantities)
    return quantities, _read_texts([fields, *map(_named, reversed(around))])


def read_word(value: object) -> str | None:
    """Return a provider's word, such as FLEX, as a card has it: in lower case."""
    return value.lower() if isinstance(value, str) else None


def _read_texts(levels: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Return the properties that a block states, or else the response around it."""
    texts: dict[str, str] = {}
    for level in levels:
        for name, path in _TEXTS.items():
            text = read_word(level.get(path))
            if text is not None:
                texts.setdefault(name, text)
    return texts


def _named(response: object) -> dict[str, object]:
    """Return what stands beside a block, without what is inside of that."""
    return dict(_flatten(response, depth=_MAX_DEPTH - 1))


def _unwrap(block: object) -> list[object]:
    """Return the block, behind each response that it was found inside of."""
    if not isinstance(block, Mapping):
        return [block]
    for name in _WRAPPERS:
        if isinstance(block.get(name), Mapping):
            return [block, block[name]]
    for name in _ENVELOPES:
        found = _unwrap(block.get(name))
        if len(found) > 1:
            return [block, *found]
    return [block]


def _flatten(
    value: object, path: str = "", depth: int = 0
) -> Iterator[tuple[str, object]]:
    """Yield what is stated under dotted names: `prompt_tokens_details.audio`."""
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flatten(inner, _join(path, str(name)), depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, list):
        yield from _flatten_list(value, path, depth)
    elif value is not None:
        yield path, value


def _join(path: str, name: str) -> str:
    """Return a dotted name in snake case, with one spelling of `details`."""
    snake = _snake(name)
    return f"{path}.{snake}" if path else snake


@lru_cache(maxsize=1024)
def _snake(name: str) -> str:
    """Return a name in snake case."""
    return _HUMP.sub("_", name).lower().replace("token_details", "tokens_details")


def _flatten_list(
    items: list[object], path: str, depth: int
) -> Iterator[tuple[str, object]]:
    """Yield counts that are listed by modality, or by how long a cache keeps them.

    What else a list holds is named by its position.
    """
    for position, item in enumerate(items):
        fields = dict(_flatten(item))
        label = fields.get("modality", fields.get("ttl"))
        count = fields.get("token_count", fields.get("input_tokens"))
        if isinstance(label, str) and count is not None:
            yield f"{path}.{label.lower()}", count
        elif path:
            yield from _flatten(item, f"{path}.{position}", depth + 1)


def _find_shape(fields: Mapping[str, object], block: object) -> str:
    """Return the name of the first shape that has one of its marks in a block."""
    names = {*fields, *(block if isinstance(block, Mapping) else ())}
    for name, shape in SHAPES.items():
        if not names.isdisjoint(shape.marks):
            return name
    stated = ", ".join(sorted(fields)[:5]) or "nothing"
    detail = f"usage is of no known shape: it states {stated[:100]}."
    raise UnratableError(Reason.UNKNOWN_USAGE, detail)


def _read_parts(
    fields: Mapping[str, object], sources: Mapping[str, str]
) -> dict[str, Decimal]:
    """Return the parts of which there are some."""
    read = ((name, _read(fields, source)) for name, source in sources.items())
    return {name: quantity for name, quantity in read if quantity}


def _read(fields: Mapping[str, object], source: str) -> Decimal | None:
    """Return the sum of a source's terms, if one of them is there."""
    terms = (_read_term(fields, term) for term in read_source(source))
    found = [quantity for quantity in terms if quantity is not None]
    return total(found) if found else None


def _read_term(fields: Mapping[str, object], term: Term) -> Decimal | None:
    """Return the first alternative that is not 0, or else 0 if one is there."""
    quantity = None
    for paths in term:
        found = [
            read_quantity(f"usage.{path}", fields[path])
            for path in paths
            if path in fields
        ]
        quantity = total(found) if found else quantity
        if quantity:
            break
    return quantity


def _rest(
    fields: Mapping[str, object],
    shape: Shape,
    name: str,
    parts: Mapping[str, Decimal],
    inside: frozenset[str],
) -> dict[str, Decimal]:
    """Return what is left of a total without its parts, if there is a total."""
    source = shape.input_tokens if name == INPUT_TOKENS else shape.output_tokens
    whole = _read(fields, source)
    taken = {part: quantity for part, quantity in parts.items() if part in inside}
    if whole is None and not taken:
        return {}
    if _is_reasoning_beside(fields, shape, taken):
        del taken["reasoning_tokens"]
    left = whole or ZERO
    for part, quantity in taken.items():
        left = _without(left, quantity, source.partition(" | ")[0], part)
    return {name: left}


def _is_reasoning_beside(
    fields: Mapping[str, object], shape: Shape, taken: Mapping[str, Decimal]
) -> bool:
    """Tell whether a block's own total counts reasoning beside the output, as xAI's."""
    reasoning = taken.get("reasoning_tokens")
    if not reasoning or "total_tokens" not in fields:
        return False
    inputs = _read(fields, shape.input_tokens) or ZERO
    outputs = _read(fields, shape.output_tokens) or ZERO
    everything = read_quantity("usage.total_tokens", fields["total_tokens"])
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
