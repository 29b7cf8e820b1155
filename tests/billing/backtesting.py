"""Backtests for tests: planned and run as workers do it, one chunk after the other."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from billing.models import (
    Backtest,
    BacktestGap,
    BacktestLine,
    Correction,
    Customer,
    RateCard,
    RateCardVersion,
    Terms,
    UsageEvent,
)
from billing.models.corrections import CorrectionKind
from billing.pricing.yaml_form import parse_card
from billing.services.backtest_chunks import run_chunk
from billing.services.backtests import plan_backtest, start_backtest
from billing.services.rate_cards import draft_version
from ledger.money import total
from tests import make
from tests.make import NOW

DAY = timedelta(days=1)

START = NOW - 30 * DAY
END = NOW + DAY
# Bands, conditions, a part that falls back to another's price, and a least amount.
RICH = """\
model: text-gen-v3
minimum_usd: 0.002
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.003
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.001
    when:
      service_class: batch
  - dimension: output_tokens
    unit: 3000 tokens
    price_usd: 0.012
  - dimension: context_window
    tiers:
      - max_tokens: 8192
        multiplier: 1.0
      - multiplier: 1.8
---
model: "*"
rates:
  - dimension: images
    unit: 1 image
    price_usd: 0.04
"""
OWN = RICH.partition("---")[0]


def use_everything() -> None:
    """Make seven calls that leave no part of `RICH` out."""
    make.record(
        make.event("plain"),
        make.event("long", input_tokens=9000, occurred_at=NOW - DAY),
        make.event("batch", service_class="batch", input_tokens=70_000),
        make.event("cached", cached_input_tokens=100, reasoning_tokens=7),
        make.event("small", input_tokens=1, output_tokens=1),
        make.event("failed", output_tokens=0, status=500),
    )
    make.record(
        make.event("image", model="draw", images=3, input_tokens=0, output_tokens=0)
    )


def charged() -> Decimal:
    """Return what all events were charged."""
    return total(event.amount for event in UsageEvent.objects.all())


def draft(card: RateCard, text: str) -> RateCardVersion:
    """Draft a card's next prices."""
    return draft_version(rate_card=card, card=parse_card(text))


def planned(
    version: RateCardVersion, *, start: datetime = START, end: datetime = END
) -> tuple[Backtest, list[int]]:
    """Start a backtest of the month around now; returns its chunks too."""
    backtest = start_backtest(version=version, start=start, end=end, by="ada", at=NOW)
    chunks = plan_backtest(backtest_id=backtest.pk, at=NOW)
    backtest.refresh_from_db()
    return backtest, chunks


def backtest_on(
    version: RateCardVersion, *, start: datetime = START, end: datetime = END
) -> Backtest:
    """Run a backtest to its end."""
    backtest, chunks = planned(version, start=start, end=end)
    for chunk_id in chunks:
        run_chunk(chunk_id=chunk_id, at=NOW)
    backtest.refresh_from_db()
    return backtest


def lines(backtest: Backtest) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Return before and after by model and dimension, for the only customer."""
    return {
        (line.model, line.dimension): (line.before, line.after)
        for line in BacktestLine.objects.filter(backtest=backtest)
    }


def gaps(backtest: Backtest) -> list[tuple[object, ...]]:
    """Return the calls that one side alone prices."""
    rows = BacktestGap.objects.filter(backtest=backtest).order_by("pk")
    names = ("kind", "model", "reason", "calls", "before", "after")
    return list(rows.values_list(*names))


def agree(customer: Customer, **terms: object) -> Terms:
    """Agree on something beside the plan, in force since long ago."""
    effective_from = NOW - 300 * DAY
    options = {"effective_from": effective_from, "reason": "deal", "actor": "ada"}
    return Terms.objects.create(customer=customer, **options | terms)


def void(event: UsageEvent) -> Correction:
    """Say that an event is taken back."""
    return Correction.objects.create(
        kind=CorrectionKind.VOID,
        customer=event.customer,
        event_id=event.pk,
        occurred_at=event.occurred_at,
        amount=event.amount,
        reason="posted twice",
        actor="ada",
        period_start=event.period_start,
    )


def each_price(text: str, change: Callable[[Decimal], Decimal]) -> str:
    """Return a card's YAML with all prices changed."""
    name = "price_usd: "
    changed = [
        f"{before}{name}{change(Decimal(price)):f}" if found else before
        for before, found, price in (line.partition(name) for line in text.split("\n"))
    ]
    return "\n".join(changed)
