"""Own the way from what an event states to disjoint parts that add up.

Totals that include their parts say so with `input_is_total` or `output_is_total`, as
OpenAI and OpenTelemetry count; Anthropic's input holds no cached tokens and needs no
flag. Or an event brings a provider's own `usage` block, which `usage_shapes` knows.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from billing.pricing.dimensions import (
    FALLBACKS,
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
from billing.pricing.usage_blocks import extract, read_word
from ledger.money import WIDE, ZERO, as_text, total

USAGE: Final = "usage"
SERVICE_TIER: Final = "service_tier"
INPUT_IS_TOTAL: Final = "input_is_total"
OUTPUT_IS_TOTAL: Final = "output_is_total"

_FLAGS: Final = frozenset({USAGE, INPUT_IS_TOTAL, OUTPUT_IS_TOTAL})
# What a flag may say; JSON's own `true`, or text as some clients send it.
_SET: Final[Mapping[str, bool]] = {"true": True, "false": False}


def read_usage(properties: Mapping[str, object]) -> Mapping[str, object]:
    """Return an event's properties with each token counted in one part alone.

    Nothing changes without a `usage` block or a flag. Counts may be fractions.

    :raises UnratableError: if parts exceed their total, a block has no known shape,
        tokens are stated beside it, or a flag is neither true nor false.
    """
    if _FLAGS.isdisjoint(properties):
        return properties
    if properties.get(USAGE) is not None:
        return _with_block(properties)
    stated = dict(properties)
    if _is_set(properties, INPUT_IS_TOTAL):
        stated[INPUT_TOKENS] = _rest(properties, INPUT_TOKENS, INPUT_PARTS)
    if _is_set(properties, OUTPUT_IS_TOTAL):
        stated[OUTPUT_TOKENS] = _rest(properties, OUTPUT_TOKENS, OUTPUT_PARTS)
    return stated


def _is_set(properties: Mapping[str, object], flag: str) -> bool:
    """Tell whether a flag is set; one that is null is not.

    :raises UnratableError: if it is neither true nor false.
    """
    value = properties.get(flag)
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str) and value in _SET:
        return _SET[value]
    raise UnratableError(Reason.BAD_QUANTITY, f"{flag} must be true or false.")


def _with_block(properties: Mapping[str, object]) -> Mapping[str, object]:
    """Put the parts that a provider's block states among the properties."""
    quantities, texts = extract(properties[USAGE])
    twice = (FALLBACKS.keys() | quantities.keys()) & properties.keys()
    if twice:
        detail = f"{', '.join(sorted(twice))} must not stand beside a usage block."
        raise UnratableError(Reason.BAD_QUANTITY, detail)
    tier = read_word(properties.get(SERVICE_TIER))
    if tier is not None:
        texts.setdefault("service_class", tier)
    return {**texts, **properties, **quantities}


def _rest(
    properties: Mapping[str, object], name: str, parts: frozenset[str]
) -> Decimal:
    """Return what is left of a total without its parts.

    :raises UnratableError: if the parts are more than the total.
    """
    whole = read_quantity(name, properties.get(name, ZERO))
    inside = sorted((parts - {name}) & properties.keys())
    taken = total(read_quantity(part, properties[part]) for part in inside)
    if taken > whole:
        detail = (
            f"{' and '.join(inside)} ({as_text(taken)}) exceed {name} "
            f"({as_text(whole)}), which is stated as their total."
        )
        raise PartsExceedTotalError(name, detail)
    return WIDE.subtract(whole, taken)
