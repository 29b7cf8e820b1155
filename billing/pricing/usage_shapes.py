"""Own the `usage` blocks that providers return: one row for each shape.

A row says where a block has its totals and the parts inside them. Names are compared in
snake case, so a provider's JSON and its Python client's are one shape. A source such as
`a | b + c` is the first of a and b that is there, plus c.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Shape:
    """Say where one kind of block has its numbers.

    A block with one of `marks` has this shape. `input_tokens` and `output_tokens` are
    totals, `parts` lie inside them, and `beside` is counted on its own.
    """

    marks: tuple[str, ...]
    input_tokens: str
    output_tokens: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)


# In this order: a block of a later shape has none of the marks before it.
SHAPES: Final[Mapping[str, Shape]] = {
    "Gemini": Shape(
        marks=("prompt_token_count",),
        input_tokens="prompt_token_count + tool_use_prompt_token_count",
        output_tokens="candidates_token_count | response_token_count"
        " + thoughts_token_count",
        parts={
            "cached_input_tokens": "cached_content_token_count",
            "cached_audio_input_tokens": "cache_tokens_details.audio",
            "cached_image_input_tokens": "cache_tokens_details.image"
            " + cache_tokens_details.document",
            "cached_video_input_tokens": "cache_tokens_details.video",
            "audio_input_tokens": "prompt_tokens_details.audio"
            " + tool_use_prompt_tokens_details.audio",
            # The pages of a document are read as images.
            "image_input_tokens": "prompt_tokens_details.image"
            " + prompt_tokens_details.document"
            " + tool_use_prompt_tokens_details.image",
            "video_input_tokens": "prompt_tokens_details.video"
            " + tool_use_prompt_tokens_details.video",
            "reasoning_tokens": "thoughts_token_count",
            "audio_output_tokens": "candidates_tokens_details.audio",
            "image_output_tokens": "candidates_tokens_details.image",
        },
    ),
    # What Cohere bills, which is not what its models read.
    "Cohere": Shape(
        marks=("billed_units.input_tokens", "billed_units.search_units"),
        input_tokens="billed_units.input_tokens",
        output_tokens="billed_units.output_tokens",
        beside={
            "image_input_tokens": "billed_units.image_tokens",
            "searches": "billed_units.search_units",
        },
    ),
    # None of what it searched, cited and thought is in its totals.
    "Perplexity": Shape(
        marks=("citation_tokens", "num_search_queries"),
        input_tokens="prompt_tokens",
        output_tokens="completion_tokens",
        beside={
            "citation_tokens": "citation_tokens",
            "reasoning_tokens": "reasoning_tokens",
            "searches": "num_search_queries",
        },
    ),
    # And all who copy it: Azure, DeepSeek, Groq, LiteLLM, Mistral, OpenRouter, xAI.
    "OpenAI chat": Shape(
        marks=("prompt_tokens",),
        input_tokens="prompt_tokens",
        output_tokens="completion_tokens",
        parts={
            "cached_input_tokens": "prompt_tokens_details.cached_tokens"
            " | prompt_cache_hit_tokens | cached_tokens | cache_read_input_tokens",
            "cache_write_5m_tokens": "prompt_tokens_details.cache_write_tokens"
            " | cache_creation_input_tokens",
            "audio_input_tokens": "prompt_tokens_details.audio_tokens",
            "image_input_tokens": "prompt_tokens_details.image_tokens",
            "video_input_tokens": "prompt_tokens_details.video_tokens",
            "reasoning_tokens": "completion_tokens_details.reasoning_tokens",
            "audio_output_tokens": "completion_tokens_details.audio_tokens",
            "image_output_tokens": "completion_tokens_details.image_tokens",
        },
    ),
    "Ollama": Shape(
        marks=("prompt_eval_count", "eval_count"),
        input_tokens="prompt_eval_count",
        output_tokens="eval_count",
    ),
    # And Bedrock's Converse. The input stands without what the cache read and wrote.
    "Anthropic": Shape(
        marks=(
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "cache_write_input_tokens",
        ),
        input_tokens="input_tokens + cache_read_input_tokens"
        " + cache_creation_input_tokens | cache_write_input_tokens",
        output_tokens="output_tokens",
        parts={
            "cached_input_tokens": "cache_read_input_tokens",
            "cache_write_5m_tokens": "cache_creation_input_tokens"
            " | cache_write_input_tokens",
            "cache_write_1h_tokens": "cache_creation.ephemeral_1h_input_tokens"
            " | cache_details.1h",
            "reasoning_tokens": "output_tokens_details.thinking_tokens",
        },
        beside={"searches": "server_tool_use.web_search_requests"},
    ),
    # And the Realtime and image APIs, LangChain, and whoever states but two numbers.
    "OpenAI responses": Shape(
        marks=("input_tokens", "output_tokens"),
        input_tokens="input_tokens",
        output_tokens="output_tokens",
        parts={
            "cached_input_tokens": "input_tokens_details.cached_tokens"
            " | input_tokens_details.cache_read | cached_input_tokens",
            "cached_audio_input_tokens": "input_tokens_details.cached_tokens_details"
            ".audio_tokens",
            "cached_image_input_tokens": "input_tokens_details.cached_tokens_details"
            ".image_tokens",
            "cache_write_5m_tokens": "input_tokens_details.cache_write_tokens"
            " | input_tokens_details.cache_creation",
            "audio_input_tokens": "input_tokens_details.audio_tokens"
            " | input_tokens_details.audio",
            "image_input_tokens": "input_tokens_details.image_tokens",
            "reasoning_tokens": "output_tokens_details.reasoning_tokens"
            " | output_tokens_details.thinking_tokens"
            " | output_tokens_details.reasoning | reasoning_tokens",
            "audio_output_tokens": "output_tokens_details.audio_tokens"
            " | output_tokens_details.audio",
            "image_output_tokens": "output_tokens_details.image_tokens",
        },
        beside={"searches": "server_tool_use.web_search_requests"},
    ),
    "OpenAI transcription": Shape(
        marks=("seconds",), input_tokens="", beside={"seconds": "seconds"}
    ),
    # Embeddings that state nothing else, such as Voyage's.
    "Embedding": Shape(marks=("total_tokens",), input_tokens="total_tokens"),
}
