"""Own the question whether a call failed with nothing to show for it."""

from collections.abc import Mapping
from typing import Final

from billing.pricing.dimensions import OUTPUT_PARTS
from billing.pricing.quantities import read_quantity

FAILED_CALL: Final = "failed_call"

_FAILED: Final = frozenset({"error", "failed", "failure"})
_FIRST_ERROR: Final = 400
_PRODUCED: Final = OUTPUT_PARTS | {"images"}


def has_failed(properties: Mapping[str, object]) -> bool:
    """Tell whether a call's status is an error and it produced no output at all.

    The status is a word such as "error", or a code of HTTP from 400. What was generated
    before an error is charged. Parts are disjoint, as `read_usage` leaves them.

    :raises UnratableError: if the output of a failed call is no quantity.
    """
    return _is_error(properties.get("status")) and not any(
        read_quantity(name, properties[name]) for name in _PRODUCED & properties.keys()
    )


def _is_error(status: object) -> bool:
    """Tell whether a status says that the call failed."""
    text = str(status).lower()
    if text in _FAILED:
        return True
    return text.isascii() and text.isdigit() and int(text[:9]) >= _FIRST_ERROR
