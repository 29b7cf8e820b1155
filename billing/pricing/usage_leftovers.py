"""Own the check that nothing a `usage` block counts is given away unread."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from billing.pricing.dimensions import INFORMATIONAL, is_dimension
from billing.pricing.quantities import Reason, UnratableError, read_quantity
from billing.pricing.usage_shapes import SHAPES, Shape, read_source
from ledger.money import as_text, total

_TOTALS: Final = ("total_tokens", "total_token_count")

# They repeat a total, are what is left of one, or are a part that costs what it does.
_HARMLESS: Final = INFORMATIONAL | {
    *("total_token_count", "text", "text_tokens", "prompt_text_tokens"),
    *("accepted_prediction_tokens", "rejected_prediction_tokens"),
    *("prompt_cache_miss_tokens", "num_cached_tokens", "no_cache_tokens"),
    # Unread, they cost what plain input does.
    "cached_tokens",
}


def refuse_leftovers(
    fields: Mapping[str, object], name: str, quantities: Mapping[str, Decimal]
) -> None:
    """Refuse a block of which something is counted that no source of its shape reads.

    :raises UnratableError: naming what is unread, so that the event waits.
    """
    unread = sorted(
        path
        for path, value in fields.items()
        if _is_some(value) and _is_counted(path, value) and not _is_known(path, name)
    )
    if unread:
        names = ", ".join(unread[:5])
        detail = (
            f"usage states {names[:200]}, which nothing reads in a block of {name}."
        )
        raise UnratableError(Reason.UNKNOWN_USAGE, detail)
    read = total(q for each, q in quantities.items() if each.endswith("_tokens"))
    for path in _TOTALS:
        if _is_some(fields.get(path)):
            _refuse_rest(read_quantity(f"usage.{path}", fields[path]), path, read)


def _refuse_rest(whole: Decimal, path: str, read: Decimal) -> None:
    """Refuse a total that is more than what was read of it."""
    if whole > read:
        detail = f"usage states {as_text(whole)} {path}, and {as_text(read)} in parts."
        raise UnratableError(Reason.UNKNOWN_USAGE, detail)


def _is_some(value: object) -> bool:
    """Tell whether a value is anything but zero, a flag or a word."""
    if isinstance(value, str):
        return bool(value.strip("0.")) and value.replace(".", "", 1).isdigit()
    return bool(value) and not isinstance(value, bool)


def _is_counted(path: str, value: object) -> bool:
    """Tell whether a value counts what may cost something, or hides what does."""
    parent, _, name = path.rpartition(".")
    if isinstance(value, Mapping | list):
        return True
    return (
        is_dimension(name)
        or name.endswith(("token_count", "tokens_count", "audio_seconds"))
        or parent.endswith("tokens_details")
    )


def _is_known(path: str, name: str) -> bool:
    """Tell whether a shape reads a number, or it is counted elsewhere already."""
    if path in _sources(name) or path.rpartition(".")[2] in _HARMLESS:
        return True
    return any(f"{path}.".startswith(f"{each}.") for each in SHAPES[name].repeats)


@lru_cache(maxsize=64)
def _sources(name: str) -> frozenset[str]:
    """Return every path that a shape reads."""
    return frozenset(_split(SHAPES[name]))


def _split(shape: Shape) -> Iterator[str]:
    """Yield the paths in the sources of a shape."""
    read = (*shape.parts.values(), *shape.beside.values())
    for source in (shape.input_tokens, shape.output_tokens, *read):
        for term in read_source(source):
            for paths in term:
                yield from paths
