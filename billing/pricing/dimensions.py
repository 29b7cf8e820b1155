"""Own what the name of an event's property means to pricing."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from ledger.money import ZERO

INPUT_TOKENS: Final = "input_tokens"
REQUESTS: Final = "requests"

STANDARD: Final = frozenset(
    {
        INPUT_TOKENS,
        "output_tokens",
        "cached_input_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "reasoning_tokens",
        "audio_input_tokens",
        "audio_output_tokens",
        "image_input_tokens",
        "image_output_tokens",
        "video_input_tokens",
        "video_output_tokens",
        REQUESTS,
        "images",
        "seconds",
        "characters",
        "pages",
        "searches",
    }
)

# A total repeats the parts beside it: charging for it would charge for them twice. A
# limit that the caller set says nothing of what was used.
INFORMATIONAL: Final = frozenset(
    {"total_tokens", "max_tokens", "max_output_tokens", "max_completion_tokens"}
)

# The same as `maxTokens` and the like; "tokens" alone does not say which.
_INFORMATIONAL: Final = frozenset(
    {"token", "tokens", *(name.replace("_", "") for name in INFORMATIONAL)}
)


def is_dimension(name: str) -> bool:
    """Tell whether a property must be priced even on a card that does not name it.

    So a kind of tokens nobody has heard of yet is noticed, not given away; and so is
    `completionTokens` or `input_token`, which someone mistyped.
    """
    if name in STANDARD:
        return True
    plain = name.replace("_", "").lower()
    return plain.endswith(("token", "tokens")) and plain not in _INFORMATIONAL


def context_tokens(quantities: Mapping[str, Decimal]) -> Decimal:
    """Return the tokens of input that choose the context band.

    `input_tokens` is taken as the whole input, cached tokens included.
    """
    return quantities.get(INPUT_TOKENS, ZERO)
