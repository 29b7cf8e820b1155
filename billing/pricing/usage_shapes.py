"""Own the `usage` blocks that providers return: one row for each shape.

A row says where a block has its totals and the parts inside them. Names are compared in
snake case, so a provider's JSON and its Python client's are one shape. A source such as
`a | b & c + d` is d and the first of a and b with c that is there, and not 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

# What is added up: the alternatives of it, and in each the paths that belong together.
Term = tuple[tuple[str, ...], ...]


@lru_cache(maxsize=1024)
def read_source(source: str) -> tuple[Term, ...]:
    """Return the terms of a source as it is written in a row."""
    return tuple(
        tuple(tuple(paths.split(" & ")) for paths in term.split(" | "))
        for term in source.split(" + ")
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """Say where one kind of block has its numbers.

    A block with one of `marks` has this shape; a mark in camel case must be written so.
    `input_tokens` and `output_tokens` are totals, `parts` lie inside them, `beside` is
    counted on its own, and what stands under `repeats` is counted already.
    """

    marks: tuple[str, ...]
    input_tokens: str
    output_tokens: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    repeats: tuple[str, ...] = ()


_ANTHROPIC_READ: Final = "cache_read_input_tokens | cache_read_input_token_count"
_ANTHROPIC_WRITTEN: Final = (
    "cache_creation_input_tokens | cache_write_input_tokens"
    " | cache_write_input_token_count | cache_creation.ephemeral_5m_input_tokens"
    " & cache_creation.ephemeral_1h_input_tokens"
)

# In this order: a block of a later shape has none of the marks before it.
SHAPES: Final[Mapping[str, Shape]] = {
    "Llama on Bedrock": Shape(
        marks=("generation_token_count",),
        input_tokens="prompt_token_count",
        output_tokens="generation_token_count",
    ),
    # And the Live API, which calls what it returns a response.
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
            " + tool_use_prompt_tokens_details.image"
            " + tool_use_prompt_tokens_details.document",
            "video_input_tokens": "prompt_tokens_details.video"
            " + tool_use_prompt_tokens_details.video",
            "reasoning_tokens": "thoughts_token_count",
            "audio_output_tokens": "candidates_tokens_details.audio"
            " | response_tokens_details.audio",
            "image_output_tokens": "candidates_tokens_details.image"
            " | response_tokens_details.image"
            " + candidates_tokens_details.document",
            "video_output_tokens": "candidates_tokens_details.video"
            " | response_tokens_details.video",
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
        repeats=("tokens", "cached_tokens"),
    ),
    # None of what it searched, cited and thought is in its totals.
    "Perplexity": Shape(
        marks=("citation_tokens", "num_search_queries", "search_context_size"),
        input_tokens="prompt_tokens",
        output_tokens="completion_tokens",
        beside={
            "citation_tokens": "citation_tokens",
            "reasoning_tokens": "reasoning_tokens",
            "searches": "num_search_queries",
        },
    ),
    # As xAI's own client counts: what it thought stands beside what it answered.
    "xAI": Shape(
        marks=("cached_prompt_text_tokens",),
        input_tokens="prompt_tokens",
        output_tokens="completion_tokens",
        parts={
            "cached_input_tokens": "cached_prompt_text_tokens",
            "image_input_tokens": "prompt_image_tokens",
        },
        beside={
            "reasoning_tokens": "reasoning_tokens",
            "searches": "num_sources_used",
        },
    ),
    # And all who copy it: Azure, DeepSeek, Groq, LiteLLM, Mistral, OpenRouter, xAI.
    "OpenAI chat": Shape(
        marks=("prompt_tokens",),
        input_tokens="prompt_tokens | input_tokens",
        output_tokens="completion_tokens | output_tokens",
        parts={
            "cached_input_tokens": "prompt_tokens_details.cached_tokens"
            " | prompt_cache_hit_tokens | cached_tokens | cache_read_input_tokens"
            " | input_tokens_details.cached_tokens",
            "cache_write_5m_tokens": "prompt_tokens_details.cache_write_tokens"
            " | prompt_tokens_details.cache_creation_tokens"
            " | prompt_tokens_details.cache_creation_input_tokens"
            " | cache_creation_input_tokens",
            "cache_write_1h_tokens": "prompt_tokens_details"
            ".cache_creation_tokens_details.ephemeral_1h_input_tokens"
            " | prompt_tokens_details.cache_creation.ephemeral_1h_input_tokens",
            "audio_input_tokens": "prompt_tokens_details.audio_tokens",
            "image_input_tokens": "prompt_tokens_details.image_tokens",
            "video_input_tokens": "prompt_tokens_details.video_tokens",
            "reasoning_tokens": "completion_tokens_details.reasoning_tokens"
            " | reasoning_tokens | output_tokens_details.reasoning_tokens",
            "audio_output_tokens": "completion_tokens_details.audio_tokens",
            "image_output_tokens": "completion_tokens_details.image_tokens",
            "video_output_tokens": "completion_tokens_details.video_tokens",
        },
        beside={
            "searches": "server_tool_use.web_search_requests | num_sources_used",
        },
        repeats=(
            "prompt_tokens_details.cache_creation",
            "prompt_tokens_details.cache_creation_tokens_details",
        ),
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
            "cache_read_input_token_count",
            "cache_write_input_token_count",
            "cache_creation.ephemeral_5m_input_tokens",
            "cache_creation.ephemeral_1h_input_tokens",
        ),
        input_tokens=f"input_tokens + {_ANTHROPIC_READ} + {_ANTHROPIC_WRITTEN}",
        output_tokens="output_tokens",
        parts={
            "cached_input_tokens": _ANTHROPIC_READ,
            "cache_write_5m_tokens": _ANTHROPIC_WRITTEN,
            "cache_write_1h_tokens": "cache_creation.ephemeral_1h_input_tokens"
            " | cache_details.1h",
            "reasoning_tokens": "output_tokens_details.thinking_tokens",
        },
        beside={"searches": "server_tool_use.web_search_requests"},
        repeats=("iterations", "cache_details"),
    ),
    # Its input stands without the cache as well; that of snake case holds it.
    "Cursor": Shape(
        marks=("cacheReadTokens", "cacheWriteTokens"),
        input_tokens="input_tokens + cache_read_tokens + cache_write_tokens",
        output_tokens="output_tokens",
        parts={
            "cached_input_tokens": "cache_read_tokens",
            "cache_write_5m_tokens": "cache_write_tokens",
        },
    ),
    # And the Realtime and image APIs, LangChain, the AI SDK, Pydantic AI, DashScope,
    # and whoever states but two numbers.
    "OpenAI responses": Shape(
        marks=("input_tokens", "output_tokens"),
        input_tokens="input_tokens",
        output_tokens="output_tokens",
        parts={
            "cached_input_tokens": "input_tokens_details.cached_tokens"
            " | input_tokens_details.cache_read | cached_input_tokens"
            " | input_tokens_details.cache_read_input_tokens"
            " | input_tokens_details.cache_read_tokens | cache_read_tokens"
            " | prompt_tokens_details.cached_tokens | cached_tokens",
            "cached_audio_input_tokens": "input_tokens_details.cached_tokens_details"
            ".audio_tokens | cache_audio_read_tokens",
            "cached_image_input_tokens": "input_tokens_details.cached_tokens_details"
            ".image_tokens",
            "cache_write_5m_tokens": "input_tokens_details.cache_write_tokens"
            " | input_tokens_details.cache_creation"
            " | input_tokens_details.cache_creation_input_tokens"
            " | prompt_tokens_details.cache_creation_input_tokens | cache_write_tokens"
            " | input_tokens_details.ephemeral_5m_input_tokens"
            " & input_tokens_details.ephemeral_1h_input_tokens",
            "cache_write_1h_tokens": "input_tokens_details.ephemeral_1h_input_tokens"
            " | prompt_tokens_details.cache_creation.ephemeral_1h_input_tokens",
            "audio_input_tokens": "input_tokens_details.audio_tokens"
            " | input_tokens_details.audio | input_audio_tokens"
            " | prompt_tokens_details.audio_tokens | audio_tokens",
            "image_input_tokens": "input_tokens_details.image_tokens"
            " | prompt_tokens_details.image_tokens | image_tokens",
            "video_input_tokens": "input_tokens_details.video_tokens"
            " | prompt_tokens_details.video_tokens | video_tokens",
            "reasoning_tokens": "output_tokens_details.reasoning_tokens"
            " | output_tokens_details.thinking_tokens"
            " | output_tokens_details.reasoning | reasoning_tokens"
            " | details.reasoning_tokens",
            "audio_output_tokens": "output_tokens_details.audio_tokens"
            " | output_tokens_details.audio | output_audio_tokens",
            "image_output_tokens": "output_tokens_details.image_tokens",
            "video_output_tokens": "output_tokens_details.video_tokens",
        },
        beside={
            "searches": "server_tool_use.web_search_requests"
            " | tool_calls_details.search_web.invocation",
        },
        repeats=("details", "raw", "prompt_tokens_details.cache_creation"),
    ),
    "OpenAI transcription": Shape(
        marks=("seconds",), input_tokens="", beside={"seconds": "seconds"}
    ),
    "Mistral OCR": Shape(
        marks=("pages_processed",),
        input_tokens="",
        beside={"pages": "pages_processed"},
    ),
    # Embeddings that state nothing else, such as Voyage's.
    "Embedding": Shape(marks=("total_tokens",), input_tokens="total_tokens"),
}
