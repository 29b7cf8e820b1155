"""Oracle cases A: what one request costs, on the card that the catalogue makes."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from billing.pricing.rating import CompiledCard, rate_usage
from ledger.money import total
from tests.billing.pricing.oracles import TOTALS


class Case(NamedTuple):
    """Hold a request, and what two packages say that it costs."""

    name: str
    model: str
    event: Mapping[str, int]
    expected: str
    time: str = "12:00:00"

    def cost(self, card: CompiledCard) -> Decimal:
        """Return what the request costs on a card."""
        at = datetime.fromisoformat(f"2026-11-24T{self.time}Z")
        lines = rate_usage(card, self.model, {**TOTALS, **self.event}, at)
        return total(line.amount for line in lines)


_MILLION_EACH: Final = {"input_tokens": 10**6, "output_tokens": 10**6}

CASES: Final = (
    Case(
        "a1 input and output",
        "gpt-4o",
        {"input_tokens": 1000, "output_tokens": 100},
        "0.0035",
    ),
    Case(
        "a2 cached input costs half",
        "gpt-4o",
        {"input_tokens": 10_000, "cached_input_tokens": 8192, "output_tokens": 500},
        "0.01976",
    ),
    Case(
        "a3 one token of each is below a millionth",
        "gpt-4o-mini",
        {"input_tokens": 1, "output_tokens": 1},
        "0.00000075",
    ),
    Case(
        "a4 a context at the threshold costs the base price",
        "gpt-5.4",
        {"input_tokens": 272_000, "output_tokens": 1000},
        "0.695",
    ),
    Case(
        "a5 one token more moves all of the call to the tier",
        "gpt-5.4",
        {"input_tokens": 272_001, "output_tokens": 1000},
        "1.382505",
    ),
    Case(
        "a6 cached input counts towards the tier",
        "gpt-5.4",
        {
            "input_tokens": 300_000,
            "cached_input_tokens": 250_000,
            "output_tokens": 100_000,
        },
        "2.625",
    ),
    Case(
        "a7 what the cache writes has its own tier",
        "gpt-5.6-sol",
        {
            "input_tokens": 300_000,
            "cached_input_tokens": 50_000,
            "cache_write_5m_tokens": 100_000,
            "output_tokens": 10_000,
        },
        "2.54",
    ),
    Case(
        "a8 another provider has its threshold at 200,000",
        "vertex_ai/claude-sonnet-4-5",
        {"input_tokens": 200_000},
        "0.60",
    ),
    Case(
        "a10 and charges more above it",
        "vertex_ai/claude-sonnet-4-5",
        {"input_tokens": 300_000, "output_tokens": 100_000},
        "4.05",
    ),
    Case(
        "a11 plain input and three cache prices",
        "claude-sonnet-4-6",
        {
            "input_tokens": 5800,
            "cached_input_tokens": 5000,
            "cache_write_5m_tokens": 500,
            "cache_write_1h_tokens": 200,
            "output_tokens": 50,
        },
        "0.005625",
    ),
    Case(
        "a12 a threshold of 100,000",
        "claude-haiku-5-5",
        {"input_tokens": 100_000, "output_tokens": 1000},
        "0.0105",
    ),
    Case(
        "a14 half of a long context is cached",
        "gemini/gemini-2.5-pro",
        {
            "input_tokens": 200_001,
            "cached_input_tokens": 100_000,
            "output_tokens": 8000,
        },
        "0.3950025",
    ),
    Case(
        "a15 audio input is dearer than text",
        "gemini/gemini-2.5-flash",
        {"input_tokens": 10_000, "audio_input_tokens": 4000, "output_tokens": 500},
        "0.00705",
    ),
    Case(
        "a16 audio in and out",
        "gpt-audio",
        {
            "input_tokens": 2000,
            "audio_input_tokens": 1500,
            "output_tokens": 1000,
            "audio_output_tokens": 800,
        },
        "0.10245",
    ),
    Case(
        "a17 one provider charges more at the threshold itself",
        "xai/grok-4.3",
        {"input_tokens": 200_000, "output_tokens": 1000},
        "0.505",
    ),
    Case(
        "a18 before the peak",
        "deepseek/deepseek-flash",
        _MILLION_EACH,
        "0.75",
        "00:59:59",
    ),
    Case(
        "a19 the peak includes its start",
        "deepseek/deepseek-flash",
        _MILLION_EACH,
        "1.50",
        "01:00:00",
    ),
    Case(
        "a20 and not its end",
        "deepseek/deepseek-flash",
        _MILLION_EACH,
        "0.75",
        "04:00:00",
    ),
)
