"""How many tokens a call counts against a limit on them. Pure."""

from collections.abc import Mapping
from decimal import ROUND_CEILING

from billing.pricing.dimensions import FALLBACKS
from billing.pricing.quantities import UnratableError, read_quantity
from billing.pricing.usage import read_usage
from ledger.money import total


def count_tokens(properties: Mapping[str, object]) -> int | None:
    """Return all tokens of a call, in and out, cached ones included, each once.

    Nothing if that cannot be said: what is stated makes no sense.
    """
    try:
        stated = read_usage(properties)
        counts = [read_quantity(name, stated[name]) for name in _kinds(stated)]
    except UnratableError:
        return None
    return int(total(counts).to_integral_value(ROUND_CEILING))


def _kinds(stated: Mapping[str, object]) -> list[str]:
    return [name for name in FALLBACKS if name in stated]
