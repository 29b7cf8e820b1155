"""Own the writing of a rate card as YAML, one document for each model."""

import json
import re
from collections.abc import Iterator
from typing import Final

from billing.pricing.card import CONTEXT_WINDOW, Band, Card, ModelPrices, Rate
from billing.pricing.conditions import HOURS, LOWER_BOUNDS, UPPER_BOUNDS, WEEKDAYS
from billing.pricing.period_prices import PeriodMode, PeriodPrice
from billing.pricing.tiers import Tier

# Their values are made of digits, letters, colons and hyphens, which YAML reads back.
_BARE: Final = (*LOWER_BOUNDS, *UPPER_BOUNDS, HOURS, WEEKDAYS)
_PLAIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9._/@+:-]*[A-Za-z0-9])?")


def format_card(card: Card) -> str:
    """Write a card so that `parse_card` reads an equal one."""
    currency = card.currency.lower()
    documents = (_model_lines(prices, currency) for prices in card.models)
    return "---\n".join("".join(f"{line}\n" for line in lines) for lines in documents)


def _model_lines(prices: ModelPrices, currency: str) -> Iterator[str]:
    """Yield the lines of one model's document."""
    yield f"model: {_scalar(prices.model)}"
    if prices.minimum:
        yield f"minimum_{currency}: {prices.minimum.price:f}"
    yield "rates:"
    for rate in prices.rates:
        yield from _rate_lines(rate, currency)
    if prices.bands:
        yield f"  - dimension: {CONTEXT_WINDOW}"
        yield "    tiers:"
    for band in prices.bands:
        yield from _band_lines(band)


def _rate_lines(rate: Rate, currency: str) -> Iterator[str]:
    """Yield the lines of one rate and its conditions."""
    yield f"  - dimension: {rate.dimension}"
    yield f"    unit: {rate.unit} {rate.unit_name}"
    yield from _price_lines(rate, currency)
    if rate.when.conditions:
        yield "    when:"
    for name, texts in rate.when.conditions:
        written = [text if name in _BARE else _scalar(text) for text in texts]
        value = written[0] if len(written) == 1 else f"[{', '.join(written)}]"
        yield f"      {name}: {value}"


def _price_lines(rate: Rate, currency: str) -> Iterator[str]:
    """Yield the price of a rate, or how it depends on the period."""
    period = rate.period
    if period is None:
        yield f"    price_{currency}: {rate.price:f}"
        return
    has_one_price = _has_one_price(period)
    if period.mode is PeriodMode.PACKAGE or not has_one_price:
        yield f"    per_period: {period.mode.value}"
    yield from _bound_lines(period, currency)
    if has_one_price:
        yield f"    price_{currency}: {rate.price:f}"
        return
    yield "    tiers:"
    for tier in period.tiers:
        yield from _tier_lines(tier, currency)


def _bound_lines(period: PeriodPrice, currency: str) -> Iterator[str]:
    """Yield what a period has free, and the least and the most that it costs."""
    if period.free:
        yield f"    free_per_period: {period.free:f}"
    for name, amount in (("minimum", period.minimum), ("maximum", period.maximum)):
        if amount is not None:
            yield f"    {name}_per_period_{currency}: {amount:f}"


def _has_one_price(period: PeriodPrice) -> bool:
    """Tell whether a price needs no tiers to be written and read back."""
    if period.mode is PeriodMode.PACKAGE:
        return True
    is_single = len(period.tiers) == 1 and not period.tiers[0].flat
    is_plain = is_single and period.mode is PeriodMode.GRADUATED
    bounds = (period.minimum, period.maximum)
    # Something must say that the price depends on the period.
    return is_plain and (bool(period.free) or any(each is not None for each in bounds))


def _tier_lines(tier: Tier, currency: str) -> Iterator[str]:
    """Yield the lines of one tier."""
    price = f"price_{currency}: {tier.unit_price:f}"
    if tier.up_to is None:
        yield f"      - {price}"
    else:
        yield f"      - up_to: {tier.up_to:f}"
        yield f"        {price}"
    if tier.flat:
        yield f"        flat_{currency}: {tier.flat:f}"


def _band_lines(band: Band) -> Iterator[str]:
    """Yield the lines of one tier: its bound, if it has one, and its multiplier."""
    fields = [
        *([] if band.max_tokens is None else [f"max_tokens: {band.max_tokens}"]),
        *([] if band.below_tokens is None else [f"below_tokens: {band.below_tokens}"]),
        f"multiplier: {band.multiplier:f}",
    ]
    yield f"      - {fields[0]}"
    for field in fields[1:]:
        yield f"        {field}"


def _scalar(name: str) -> str:
    """Write a name bare where YAML reads it back, and else in double quotes."""
    plain = _PLAIN.fullmatch(name)
    return name if plain else json.dumps(name, ensure_ascii=False)
