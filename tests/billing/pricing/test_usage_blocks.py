from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from billing.pricing.dimensions import INPUT_PARTS, OUTPUT_PARTS
from billing.pricing.quantities import Reason, UnratableError
from billing.pricing.usage_blocks import extract
from tests.billing.pricing.oracles import usage_payloads

# Each of the other package's counts, and our parts that make it up.
CACHED = {
    f"cache_{kind}read_tokens": f"cached_{kind}input_tokens"
    for kind in ("audio_", "image_", "video_")
}
SUMS = {
    "input_tokens": INPUT_PARTS,
    "output_tokens": OUTPUT_PARTS,
    "output_reasoning_tokens": {"reasoning_tokens"},
    "output_image_tokens": {"image_output_tokens"},
    "cache_read_tokens": {"cached_input_tokens", *CACHED.values()},
    "cache_write_tokens": {"cache_write_5m_tokens", "cache_write_1h_tokens"},
    "web_searches": {"searches"},
    **{name: {part} for name, part in CACHED.items()},
    **{
        f"input_{kind}_tokens": {f"{kind}_input_tokens", f"cached_{kind}_input_tokens"}
        for kind in ("audio", "image", "video")
    },
}
# What costs nothing of its own: text is what is left, and the rest is counted above.
IGNORED = {
    *("input_text_tokens", "output_text_tokens", "cache_text_read_tokens"),
    *("input_tool_tokens", "input_text_tool_tokens", "cache_write_5m_tokens"),
}
# Only we read OpenRouter's `video_tokens`, which are among the input here as well.
WITH_VIDEO = {59, 60}


def counts(block: object) -> dict[str, Decimal]:
    quantities, _ = extract(block)
    sums = {
        name: sum((quantities.get(part, Decimal(0)) for part in parts), Decimal(0))
        for name, parts in SUMS.items()
    }
    return {name: count for name, count in sums.items() if count}


def expected(payload: Mapping[str, Any]) -> list[dict[str, int]]:
    return [
        {k: v for k, v in each["usage"].items() if v and k not in IGNORED}
        for each in payload["expected"]
    ]


def test_every_block_of_161_is_read_as_another_package_reads_it() -> None:
    payloads = usage_payloads()

    different = [
        position
        for position, payload in enumerate(payloads)
        if counts(payload["body"]) not in expected(payload)
    ]

    assert len(payloads) == 161
    assert set(different) <= WITH_VIDEO


@pytest.mark.parametrize("position", sorted(WITH_VIDEO))
def test_video_is_read_from_blocks_where_the_other_package_does_not(
    position: int,
) -> None:
    payload = usage_payloads()[position]

    read = counts(payload["body"])
    read.pop("input_video_tokens", None)

    assert read in expected(payload)


def test_no_block_is_read_for_less_than_it_states() -> None:
    fullest = [max(map(len, expected(payload))) for payload in usage_payloads()]
    ours = [len(counts(payload["body"])) for payload in usage_payloads()]

    # Cohere bills other counts than its models read, and these state both.
    shorter = [i for i, (a, b) in enumerate(zip(ours, fullest, strict=True)) if a < b]
    assert shorter == [132, 133, 134]


def read(block: object) -> dict[str, Decimal]:
    return extract(block)[0]


def test_anthropics_input_stands_beside_what_its_cache_read_and_wrote() -> None:
    block = {
        "input_tokens": 6,
        "cache_read_input_tokens": 20_443,
        "cache_creation_input_tokens": 574,
        "cache_creation": {
            "ephemeral_5m_input_tokens": 500,
            "ephemeral_1h_input_tokens": 74,
        },
        "output_tokens": 489,
        "output_tokens_details": {"thinking_tokens": 77},
        "server_tool_use": {"web_search_requests": 2},
    }

    assert read(block) == {
        "input_tokens": 6,
        "cached_input_tokens": 20_443,
        "cache_write_5m_tokens": 500,
        "cache_write_1h_tokens": 74,
        "output_tokens": 412,
        "reasoning_tokens": 77,
        "searches": 2,
    }


def test_bedrock_says_how_long_its_cache_keeps_what_it_wrote() -> None:
    block = {
        "inputTokens": 3,
        "outputTokens": 61,
        "cacheReadInputTokens": 2074,
        "cacheWriteInputTokens": 297,
        "cacheDetails": [{"inputTokens": 97, "ttl": "1h"}, {"inputTokens": 200}],
    }

    quantities = read(block)

    assert quantities["cache_write_1h_tokens"] == 97
    assert quantities["cache_write_5m_tokens"] == 200
    assert quantities["input_tokens"] == 3


def test_cached_audio_is_a_part_of_the_audio_and_of_the_cached_input() -> None:
    details = {
        "cached_tokens": 60,
        "audio_tokens": 70,
        "cached_tokens_details": {"audio_tokens": 40, "text_tokens": 20},
    }
    block = {"input_tokens": 100, "output_tokens": 0, "input_token_details": details}

    assert read(block) == {
        "input_tokens": 10,
        "cached_input_tokens": 20,
        "cached_audio_input_tokens": 40,
        "audio_input_tokens": 30,
        "output_tokens": 0,
    }


def test_reasoning_stands_beside_the_output_where_the_blocks_total_says_so() -> None:
    block = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "completion_tokens_details": {"reasoning_tokens": 3},
    }

    inside = read({**block, "total_tokens": 15})
    beside = read({**block, "total_tokens": 18})

    assert inside["output_tokens"] == 2
    assert beside["output_tokens"] == 5
    assert inside["reasoning_tokens"] == beside["reasoning_tokens"] == 3


def test_nothing_of_perplexitys_search_is_in_its_totals() -> None:
    block = {
        "prompt_tokens": 33,
        "completion_tokens": 7163,
        "total_tokens": 7196,
        "citation_tokens": 20_016,
        "num_search_queries": 30,
        "reasoning_tokens": 73_997,
        "search_context_size": "low",
    }

    quantities, texts = extract(block)

    assert quantities == {
        "input_tokens": 33,
        "output_tokens": 7163,
        "citation_tokens": 20_016,
        "reasoning_tokens": 73_997,
        "searches": 30,
    }
    assert texts == {"search_context_size": "low"}


@pytest.mark.parametrize(
    "block",
    [{}, {"tokens": 4}, {"deep": {"er": {"and": {"deeper": {"prompt_tokens": 1}}}}}],
)
def test_a_block_of_no_known_shape_is_refused(block: object) -> None:
    with pytest.raises(UnratableError, match="usage is of no known shape") as caught:
        extract(block)

    assert caught.value.reason is Reason.UNKNOWN_USAGE


@pytest.mark.parametrize("block", [7, "7", [], [{"prompt_tokens": 1}]])
def test_what_is_no_block_is_refused(block: object) -> None:
    with pytest.raises(UnratableError, match="it states nothing"):
        extract(block)


@pytest.mark.parametrize("count", ["many", -1, 1.5, True])
def test_a_count_that_is_no_number_is_refused(count: object) -> None:
    with pytest.raises(UnratableError, match=r"usage\.prompt_tokens must be a number"):
        extract({"prompt_tokens": count})


def test_a_part_above_its_total_is_refused_by_name() -> None:
    block = {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}}

    with pytest.raises(UnratableError) as caught:
        extract(block)

    assert caught.value.detail == (
        "usage states 6 cached_input_tokens, more than is left of prompt_tokens (5)."
    )


def test_a_part_of_nothing_is_refused() -> None:
    block = {"input_tokens": 1, "output_tokens_details": {"reasoning_tokens": 6}}

    with pytest.raises(UnratableError, match="6 reasoning_tokens, more than"):
        extract(block)
