"""How many events one core prices, on cards of 62 models and of ten times as many.

The card is the catalogue of the tests. No server and no database is needed.
"""

import time
from dataclasses import replace

from billing.pricing.card import Card
from billing.pricing.rating import CompiledCard, compile_card, rate_event
from tests.billing.pricing.oracles import catalogue

EVENTS = 20_000
MODELS = ("gpt-4o", "gpt-5.4", "gemini/gemini-2.5-pro", "claude-haiku-5-5")
PLAIN: dict[str, object] = {
    "output_tokens": 1083,
    "request_type": "completion",
    "latency_ms": 2847,
}
CACHED: dict[str, object] = {
    **PLAIN,
    "cached_input_tokens": 9000,
    "service_class": "batch",
}
KINDS = {"two dimensions": PLAIN, "three, by class": CACHED}


def measure_rating(*, runs: int) -> list[tuple[str, list[float]]]:
    """Return events per second of one core, by kind of event and size of the card."""
    return [
        (
            f"rate_event, {62 * copies} models, {name}",
            [_rate(_card(copies), properties) for _ in range(runs)],
        )
        for copies in (1, 10)
        for name, properties in KINDS.items()
    ]


def _card(copies: int) -> CompiledCard:
    card = catalogue().card
    models = tuple(
        replace(prices, model=f"{prices.model}{'+' * copy}")
        for prices in card.models
        for copy in range(copies)
    )
    return compile_card(Card(card.currency, models))


def _rate(card: CompiledCard, properties: dict[str, object]) -> float:
    events = [
        (MODELS[i % len(MODELS)], {"input_tokens": 400 + i, **properties})
        for i in range(EVENTS)
    ]
    started = time.process_time()
    for model, event in events:
        rate_event(card, model, event, at=None)
    return EVENTS / (time.process_time() - started)
