"""Measure how many events one core prices: `python -m tests.benchmarks.rating`.

No server is started. The card is the catalogue of the tests, once as it is and
once with ten times as many models.
"""

import time
from dataclasses import replace

from billing.pricing.card import Card
from billing.pricing.rating import CompiledCard, compile_card, rate_usage
from tests.billing.pricing.oracles import catalogue

EVENTS = 20_000
RUNS = 5
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


def main() -> None:
    card = catalogue().card
    for copies in (1, 10):
        models = tuple(
            replace(prices, model=f"{prices.model}{'+' * copy}")
            for prices in card.models
            for copy in range(copies)
        )
        compiled = compile_card(Card(card.currency, models))
        for name, properties in (("two", PLAIN), ("three, by class", CACHED)):
            speed = measure(compiled, properties)
            print(f"{len(models)} models, {name} dimensions: {speed:,.0f} events/s")


def measure(card: CompiledCard, properties: dict[str, object]) -> float:
    events = [
        (MODELS[i % len(MODELS)], {"input_tokens": 400 + i, **properties})
        for i in range(EVENTS)
    ]
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        for model, event in events:
            rate_usage(card, model, event)
        times.append(time.process_time() - start)
    return EVENTS / min(times)


if __name__ == "__main__":
    main()
