"""Own a rate card in the shape that rating looks things up in.

Compiling happens once for each version of a card; here is all of pricing's arithmetic
that does not depend on an event's quantities. A model's conditions and bands cut its
calls into a few kinds; the rates of each kind are chosen once, when the first such call
comes, and kept.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from billing.pricing.card import DEFAULT_MODEL, Band, Card, Minimum, ModelPrices, Rate
from billing.pricing.dimensions import FALLBACKS
from billing.pricing.period_prices import Meter, PeriodPrice
from billing.pricing.quantities import Reason, UnratableError
from billing.pricing.scopes import (
    DAY,
    END,
    START,
    WEEK,
    Cut,
    Scope,
    narrowest,
    scope_of,
)
from ledger.money import WIDE, ZERO, as_text

# Of calls whose rates are kept: a card of very many conditions must not fill memory.
MOST_KINDS: Final = 5_000

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class CompiledRate:
    """Hold one rate in one band: a quantity costs `quantity * cost / divisor`.

    `divisor` is what is left of the unit without its twos and fives, nearly always 1:
    so the cost of a single token is exact even where a unit is 3 images. `dimension` is
    the rate's own, and `rank` its place on the card.
    """

    dimension: str
    rate_id: int | None
    band_id: int | None
    unit: int
    unit_name: str
    unit_price: Decimal
    multiplier: Decimal
    cost: Decimal
    divisor: int
    rank: int
    period: "CompiledPeriod | None" = None


@dataclass(frozen=True, slots=True)
class CompiledPeriod:
    """Hold a rate whose price depends on the period, and the rate in each tier.

    `free` is the rate of what the period has free.
    """

    meter: Meter
    price: PeriodPrice
    tiers: tuple[CompiledRate, ...]
    free: CompiledRate


# The rate of every dimension that a kind of call can be charged for.
Rates = Mapping[str, CompiledRate]

# The values that conditions ask for, the number of context cuts below, the time slot.
_Kind = tuple[tuple[str | None, ...], int, int]


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """Hold what one model costs, and the rates of each kind of call met so far.

    `dimensions` are those with a rate. `texts` are the properties that conditions ask
    for and the values they know; `cuts` and `slots` are where the context and the week
    go from one set of rates to another. Some price may depend on what the period used.
    """

    name: str
    dimensions: frozenset[str]
    minimum: Minimum | None
    scoped: tuple[tuple[Scope, tuple[int, Rate]], ...]
    bands: tuple[Band, ...]
    texts: Mapping[str, frozenset[str]]
    cuts: tuple[Cut, ...]
    slots: tuple[int, ...]
    has_period_prices: bool
    kinds: dict[_Kind, Rates] = field(default_factory=dict, compare=False)

    def rates_for(
        self, properties: Mapping[str, object], context: Decimal, at: datetime | None
    ) -> Rates:
        """Return the rates of one call.

        :raises UnratableError: if its context is above the last band, or its prices
            depend on a time that is not known.
        """
        texts = [_known(properties.get(name), of) for name, of in self.texts.items()]
        below = bisect_right(self.cuts, (context, 0))
        kind = (tuple(texts), below, self._slot(at) if self.slots else 0)
        # Two threads may both make one; they make the same.
        rates = self.kinds.get(kind)
        if rates is None:
            if len(self.kinds) >= MOST_KINDS:
                self.kinds.clear()
            rates = self.kinds[kind] = self._choose(kind, context)
        return rates

    def _slot(self, at: datetime | None) -> int:
        """Return which part of the week a moment lies in, between changes of price."""
        if at is None:
            detail = f"The prices of {self.name} depend on the time, which is unknown."
            raise UnratableError(Reason.NO_TIME, detail)
        time = at.astimezone(UTC)
        minute = time.weekday() * DAY + time.hour * 60 + time.minute
        return bisect_right(self.slots, minute) - 1

    def _choose(self, kind: _Kind, context: Decimal) -> Rates:
        """Choose the rates of a kind of call, in the card's order."""
        values, below, slot = kind
        texts = dict(zip(self.texts, values, strict=True))
        place = self.cuts[below - 1] if below else START
        minute = self.slots[slot] if self.slots else 0
        band = _choose_band(self, place, context)
        applying: dict[str, list[tuple[Scope, tuple[int, Rate]]]] = {}
        for scope, ranked in self.scoped:
            if scope.holds(texts, place, minute):
                applying.setdefault(ranked[1].dimension, []).append((scope, ranked))
        own = {
            dimension: _compile_rate(*chosen[1], band, self.name)
            for dimension, candidates in applying.items()
            if (chosen := narrowest(candidates))
        }
        return _with_fallbacks(own)


@dataclass(frozen=True, slots=True)
class CompiledCard:
    """Hold a version of a card, ready to price events; share it between threads."""

    currency: str
    models: Mapping[str, CompiledModel]
    has_period_prices: bool

    def find_model(self, name: str) -> CompiledModel | None:
        """Return the prices of a model: its own, or else the card's default ones."""
        return self.models.get(name) or self.models.get(DEFAULT_MODEL)


def compile_card(card: Card) -> CompiledCard:
    """Work out what does not depend on the event, once for each version of a card."""
    models = {prices.model: _compile_model(prices) for prices in card.models}
    by_period = any(model.has_period_prices for model in models.values())
    return CompiledCard(card.currency, models, by_period)


def _compile_model(prices: ModelPrices) -> CompiledModel:
    """Find the places where a model's prices change."""
    scoped = tuple(
        (scope_of(rate.when), (rank, rate)) for rank, rate in enumerate(prices.rates)
    )
    scopes = [scope for scope, _ in scoped]
    texts: dict[str, frozenset[str]] = {}
    for scope in scopes:
        for name, values in scope.texts.items():
            texts[name] = texts.get(name, frozenset()) | values
    cuts = {cut for scope in scopes for cut in (scope.lower, scope.upper)}
    cuts |= {band.upper for band in prices.bands if band.upper}
    return CompiledModel(
        name=prices.model,
        dimensions=frozenset(rate.dimension for rate in prices.rates),
        minimum=prices.minimum,
        scoped=scoped,
        bands=prices.bands,
        texts=texts,
        cuts=tuple(sorted(cuts - {START, END})),
        slots=_slots({scope.minutes for scope in scopes}),
        has_period_prices=any(rate.period for rate in prices.rates),
    )


def _slots(masks: set[int]) -> tuple[int, ...]:
    """Return the minutes of the week at which some price changes, and minute 0."""
    if len(masks) == 1 and (1 << WEEK) - 1 in masks:
        return ()
    changes = 0
    for mask in masks:
        changes |= mask ^ (mask << 1)
    return tuple(m for m in range(WEEK) if m == 0 or changes >> m & 1)


def _known(value: object, values: frozenset[str]) -> str | None:
    """Return a property as the conditions may know it: `True` is "true", 4 is "4"."""
    text = str(value).lower() if isinstance(value, int) else value
    return text if isinstance(text, str) and text in values else None


def _choose_band(prices: CompiledModel, place: Cut, context: Decimal) -> Band | None:
    """Return the first band that holds a context, or none if the model has none.

    :raises UnratableError: if it is above the last.
    """
    for band in prices.bands:
        if band.upper is None or place < band.upper:
            return band
    if not prices.bands:
        return None
    detail = (
        f"The context of {as_text(context)} tokens is above the last band of "
        f"{prices.name}, which ends at {prices.bands[-1].bound}."
    )
    raise UnratableError(Reason.CONTEXT_ABOVE_BANDS, detail)


def _with_fallbacks(own: dict[str, CompiledRate]) -> Rates:
    """Add the parts of input and output that another rate prices."""
    rates = dict(own)
    for dimension, candidates in FALLBACKS.items():
        instead = next((own[name] for name in candidates if name in own), None)
        if instead:
            rates.setdefault(dimension, instead)
    return rates


def _compile_rate(rank: int, rate: Rate, band: Band | None, model: str) -> CompiledRate:
    """Work out what a rate costs in a band, and in each of its tiers."""
    compiled = _compile_price(rank, rate, rate.price, band)
    if rate.period is None:
        return compiled
    period = CompiledPeriod(
        meter=(model, rate.dimension, rate.when),
        price=rate.period,
        tiers=tuple(
            _compile_price(rank, rate, tier.unit_price, band)
            for tier in rate.period.tiers
        ),
        free=_compile_price(rank, rate, ZERO, band),
    )
    return replace(compiled, period=period)


def _compile_price(
    rank: int, rate: Rate, unit_price: Decimal, band: Band | None
) -> CompiledRate:
    """Work out the cost of a quantity of one, as far as decimals can hold it."""
    multiplier = band.multiplier if band else _ONE
    divisor = _without_twos_and_fives(rate.unit)
    price = WIDE.multiply(unit_price, multiplier)
    return CompiledRate(
        dimension=rate.dimension,
        rate_id=rate.id,
        band_id=band.id if band else None,
        unit=rate.unit,
        unit_name=rate.unit_name,
        unit_price=unit_price,
        multiplier=multiplier,
        cost=WIDE.divide(price, rate.unit // divisor),
        divisor=divisor,
        rank=rank,
    )


def _without_twos_and_fives(number: int) -> int:
    """Return the part of a number that no decimal can be divided by exactly."""
    for prime in (2, 5):
        while number % prime == 0:
            number //= prime
    return number
