"""Own what the name of an event's property means to pricing.

The parts of a call are disjoint: `input_tokens` is what is left of the input once
cached, written, audio, image and video tokens are counted on their own.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from ledger.money import WIDE, ZERO

INPUT_TOKENS: Final = "input_tokens"
OUTPUT_TOKENS: Final = "output_tokens"
REQUESTS: Final = "requests"
MINIMUM: Final = "minimum"

# Each part with what prices it where it has no rate of its own, the first that there
# is: nobody gets a discount or a surcharge that the card does not name. Audio, and what
# is drawn or filmed, is so much dearer than text that it needs a rate of its own.
_INPUT_FALLBACKS: Final[Mapping[str, tuple[str, ...]]] = {
    INPUT_TOKENS: (),
    "cached_input_tokens": (INPUT_TOKENS,),
    "cache_write_5m_tokens": (INPUT_TOKENS,),
    "cache_write_1h_tokens": ("cache_write_5m_tokens", INPUT_TOKENS),
    "cache_write_audio_tokens": ("audio_input_tokens",),
    "audio_input_tokens": (),
    "image_input_tokens": (INPUT_TOKENS,),
    "video_input_tokens": (INPUT_TOKENS,),
    "cached_audio_input_tokens": ("audio_input_tokens",),
    "cached_image_input_tokens": (
        "image_input_tokens",
        "cached_input_tokens",
        INPUT_TOKENS,
    ),
    "cached_video_input_tokens": (
        "video_input_tokens",
        "cached_input_tokens",
        INPUT_TOKENS,
    ),
}
_OUTPUT_FALLBACKS: Final[Mapping[str, tuple[str, ...]]] = {
    OUTPUT_TOKENS: (),
    "reasoning_tokens": (OUTPUT_TOKENS,),
    "audio_output_tokens": (),
    "image_output_tokens": (),
    "video_output_tokens": (),
}
FALLBACKS: Final = {**_INPUT_FALLBACKS, **_OUTPUT_FALLBACKS}
INPUT_PARTS: Final = frozenset(_INPUT_FALLBACKS)
OUTPUT_PARTS: Final = frozenset(_OUTPUT_FALLBACKS)

STANDARD: Final = frozenset(
    {*FALLBACKS, REQUESTS, "images", "seconds", "characters", "pages", "searches"}
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


@lru_cache(maxsize=4096)
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
    """Return the tokens of input, cached ones included, that choose the context band.

    It is the sum of all parts of the input, however each of them is priced.
    """
    context = ZERO
    for name, quantity in quantities.items():
        if name in INPUT_PARTS:
            context = WIDE.add(context, quantity)
    return context
