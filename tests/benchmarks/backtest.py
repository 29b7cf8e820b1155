"""A backtest beside its limit: rating the same events, already read and decoded."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from billing.models import Backtest, Customer, RateCardVersion, UsageEvent
from billing.pricing.rating import rate_event
from billing.queries.price_book import compiled_version
from billing.services.backtest_chunks import run_chunk
from billing.services.backtests import plan_backtest, start_backtest
from config.demo.traffic import CHAT

DAYS = 40
# Loaded at once by the benchmark of ingest, so that they are what it recorded.
_EVENTS = UsageEvent.objects.filter(customer__external_id=CHAT)


def measure_backtest(*, runs: int) -> list[tuple[str, list[float]]]:
    """Return events per second on one core, the limit first.

    It takes the events that the measurement of ingest has recorded.
    """
    plan = Customer.objects.get(external_id=CHAT).plan
    version = RateCardVersion.objects.get(rate_card=plan.rate_card)
    return [
        ("rate_event alone", _rates(_rate_all(version), runs)),
        ("backtest, reading and charges included", _rates(_run(version), runs)),
    ]


def _rates(way: Callable[[], int], runs: int) -> list[float]:
    rates = []
    for _ in range(runs):
        started = time.perf_counter()
        events = way()
        rates.append(events / (time.perf_counter() - started))
    return rates


def _rate_all(version: RateCardVersion) -> Callable[[], int]:
    card = compiled_version(version.pk)
    events = list(_EVENTS.values_list("model", "properties", "occurred_at"))

    def rate() -> int:
        for model, properties, at in events:
            rate_event(card, model, properties, at=at)
        return len(events)

    return rate


def _run(version: RateCardVersion) -> Callable[[], int]:
    end = datetime.now(UTC)

    def run() -> int:
        backtest = start_backtest(
            version=version,
            start=end - timedelta(days=DAYS),
            end=end,
            by="bench",
            at=timezone.now(),
        )
        for chunk_id in plan_backtest(backtest_id=backtest.pk, at=timezone.now()):
            run_chunk(chunk_id=chunk_id, at=timezone.now())
        return Backtest.objects.get(pk=backtest.pk).events_done

    return run
