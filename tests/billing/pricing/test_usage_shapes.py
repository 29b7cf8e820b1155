from decimal import Decimal

import pytest

from billing.pricing.usage_blocks import extract


@pytest.mark.parametrize(
    ("block", "quantities"),
    [
        (
            {"prompt_eval_count": 26, "eval_count": 290},
            {"input_tokens": 26, "output_tokens": 290},
        ),
        ({"type": "duration", "seconds": Decimal("9.5")}, {"seconds": Decimal("9.5")}),
        ({"total_tokens": 10}, {"input_tokens": 10}),
        ({"meta": {"billed_units": {"search_units": 1}}}, {"searches": 1}),
        (
            {"prompt_token_count": 25, "generation_token_count": 9},
            {"input_tokens": 25, "output_tokens": 9},
        ),
        (
            {
                "prompt_tokens": 37,
                "cached_prompt_text_tokens": 8,
                "completion_tokens": 5,
                "reasoning_tokens": 43,
                "total_tokens": 85,
            },
            {
                "input_tokens": 29,
                "cached_input_tokens": 8,
                "output_tokens": 5,
                "reasoning_tokens": 43,
            },
        ),
        (
            {
                "tokenUsage": {
                    "inputTokens": 5,
                    "cacheReadTokens": 80,
                    "cacheWriteTokens": 10,
                    "outputTokens": 7,
                    "totalCents": Decimal("20.18"),
                }
            },
            {
                "input_tokens": 5,
                "cached_input_tokens": 80,
                "cache_write_5m_tokens": 10,
                "output_tokens": 7,
            },
        ),
        (
            {
                "promptTokenCount": 10,
                "responseTokenCount": 20,
                "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 15}],
                "totalTokenCount": 30,
            },
            {"input_tokens": 10, "audio_output_tokens": 15, "output_tokens": 5},
        ),
        (
            {
                "input_tokens": 10,
                "input_tokens_details": {"cache_read_input_tokens": 4},
                "output_tokens": 1,
                "tool_calls_details": {"search_web": {"invocation": 2}},
            },
            {
                "input_tokens": 6,
                "cached_input_tokens": 4,
                "output_tokens": 1,
                "searches": 2,
            },
        ),
        ({"usage_info": {"pages_processed": 3, "doc_size_bytes": 9}}, {"pages": 3}),
        (
            {
                "inputTokens": 10,
                "cacheReadInputTokenCount": 8,
                "cacheWriteInputTokenCount": 2,
                "outputTokens": 1,
            },
            {
                "input_tokens": 10,
                "cached_input_tokens": 8,
                "cache_write_5m_tokens": 2,
                "output_tokens": 1,
            },
        ),
        (
            {
                "inputTokens": 10,
                "inputTokenDetails": {"noCacheTokens": 2, "cacheReadTokens": 8},
                "outputTokens": 5,
                "outputTokenDetails": {"textTokens": 3, "reasoningTokens": 2},
                "raw": {"input_tokens": 10},
            },
            {
                "input_tokens": 2,
                "cached_input_tokens": 8,
                "output_tokens": 3,
                "reasoning_tokens": 2,
            },
        ),
        (
            {
                "input_tokens": 10,
                "cache_read_tokens": 8,
                "cache_write_tokens": 1,
                "output_tokens": 5,
                "details": {"reasoning_tokens": 2},
            },
            {
                "input_tokens": 1,
                "cached_input_tokens": 8,
                "cache_write_5m_tokens": 1,
                "output_tokens": 3,
                "reasoning_tokens": 2,
            },
        ),
        (
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 8},
            },
            {"input_tokens": 2, "cached_input_tokens": 8, "output_tokens": 5},
        ),
        (
            {
                "input_tokens": 10,
                "cache_read_input_tokens": 0,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 4,
                    "ephemeral_1h_input_tokens": 3,
                },
                "output_tokens": 5,
            },
            {
                "input_tokens": 10,
                "cache_write_5m_tokens": 4,
                "cache_write_1h_tokens": 3,
                "output_tokens": 5,
            },
        ),
        (
            {"response": {"usage": {"input_tokens": 1, "output_tokens": 2}}},
            {"input_tokens": 1, "output_tokens": 2},
        ),
        (
            {"result": {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}},
            {"input_tokens": 1, "output_tokens": 2},
        ),
        (
            {"prompt_tokens": 0, "input_tokens": 4, "completion_tokens": 2},
            {"input_tokens": 4, "output_tokens": 2},
        ),
        (
            {"input_tokens": 9, "cached_input_tokens": 4, "reasoning_tokens": None},
            {"input_tokens": 5, "cached_input_tokens": 4},
        ),
    ],
)
def test_other_shapes_are_read_too(
    block: object, quantities: dict[str, Decimal]
) -> None:
    assert extract(block)[0] == quantities


@pytest.mark.parametrize(
    "block",
    [
        {"prompt_tokens": 1, "service_tier": "flex"},
        {"usage": {"prompt_tokens": 1}, "service_tier": "flex"},
        {"usage": {"prompt_tokens": 1, "service_tier": "Flex"}, "service_tier": "auto"},
        {"response": {"usage": {"input_tokens": 1}, "service_tier": "flex"}},
        {"usageMetadata": {"promptTokenCount": 1, "serviceTier": "FLEX"}},
    ],
)
def test_the_class_of_service_is_read_beside_the_block_too(block: object) -> None:
    assert extract(block)[1] == {"service_class": "flex"}
