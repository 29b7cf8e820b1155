"""How many tokens events state, counted by PostgreSQL: for sums over millions of them.

Cached tokens count, once. `billing.pricing.usage` reads events exactly and for money;
a test holds the two together on every shape of usage block there is.
"""

from typing import Final

from billing.pricing.dimensions import (
    INPUT_PARTS,
    INPUT_TOKENS,
    OUTPUT_PARTS,
    OUTPUT_TOKENS,
)
from billing.pricing.usage import INPUT_IS_TOTAL, OUTPUT_IS_TOTAL

# Numbers of a block that add up, one line for each way of providers; the greatest of
# the sums is the block's, since none of them holds a part twice.
_BLOCKS: Final = (
    ("total_tokens", "totalTokens", "total_token_count", "totalTokenCount"),
    ("prompt_tokens", "completion_tokens"),
    (
        *("input_tokens", "output_tokens", "inputTokens", "outputTokens"),
        *("cache_read_input_tokens", "cache_creation_input_tokens"),
        *("cacheReadInputTokens", "cacheWriteInputTokens"),
        *("cacheReadTokens", "cacheWriteTokens", "image_tokens"),
    ),
    ("prompt_eval_count", "eval_count"),
    (
        *("prompt_token_count", "generation_token_count", "candidates_token_count"),
        *("thoughts_token_count", "promptTokenCount", "candidatesTokenCount"),
        "thoughtsTokenCount",
    ),
)
# Where blocks are wrapped in something; the first that is there is the block.
_WRAPPERS: Final = (
    *("usage,usage,billed_units", "usage,meta,billed_units", "usage,billed_units"),
    *("usage,response,usage", "usage,usage", "usage,usageMetadata"),
    *("usage,usage_metadata", "usage"),
)
_NUMBER: Final = r"^[0-9]{1,12}(\.[0-9]{1,18})?$"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _sum(names: tuple[str, ...], unless: str = "") -> str:
    """Return the SQL of some members' sum; with a flag set, of the first alone."""
    first = f" AND ({{0}}->>'{unless}' IS DISTINCT FROM 'true' OR key = '{names[0]}')"
    condition = f"key IN ({_listed(names)}){first if unless else ''}"
    return f"coalesce(sum(number) FILTER (WHERE {condition}), 0)"


def _counted(value: str, sums: str) -> str:
    # Only text that is a number is cast: a property may be anything.
    return f"""(SELECT {sums} FROM jsonb_each_text({value}) AS member (key, text),
        LATERAL (SELECT CASE WHEN text ~ '{_NUMBER}' THEN text::numeric END)
            AS read (number))"""  # noqa: S608


def tokens_sql(properties: str) -> str:
    """Return the SQL that counts the tokens of an event with these properties."""
    blocks = ", ".join(f"{properties} #> '{{{path}}}'" for path in _WRAPPERS)
    block = f"coalesce({blocks})"
    inputs = (INPUT_TOKENS, *sorted(INPUT_PARTS - {INPUT_TOKENS}))
    outputs = (OUTPUT_TOKENS, *sorted(OUTPUT_PARTS - {OUTPUT_TOKENS}))
    plain = f"{_sum(inputs, INPUT_IS_TOTAL)} + {_sum(outputs, OUTPUT_IS_TOTAL)}"
    greatest = f"greatest({', '.join(map(_sum, _BLOCKS))})"
    return f"""CASE WHEN jsonb_typeof({properties} -> 'usage') = 'object'
        THEN {_counted(block, greatest)}
        ELSE {_counted(properties, plain.format(properties))} END"""
