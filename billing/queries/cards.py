"""Reading a version of a rate card as data. Nothing here writes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db.models import Q, QuerySet

from billing.models import ContextBand, RateCardVersion, RateTier
from billing.models import Rate as StoredRate
from billing.models.rate_cards import PerPeriod
from billing.pricing.card import Band, Card, Minimum, ModelPrices, Rate
from billing.pricing.conditions import read_when
from billing.pricing.dimensions import MINIMUM
from billing.pricing.period_prices import PeriodMode, PeriodPrice
from billing.pricing.tiers import Tier


def load_card(version_id: int) -> Card:
    """Return a version's prices as data, with the ids of their rows."""
    version = RateCardVersion.objects.select_related("rate_card").get(pk=version_id)
    stored: defaultdict[str, list[StoredRate]] = defaultdict(list)
    for rate in StoredRate.objects.filter(version=version).order_by("pk"):
        stored[rate.model].append(rate)
    tiers = _read_tiers(RateTier.objects.filter(version=version))
    bands = _load_bands(version)
    return Card(
        currency=version.rate_card.currency,
        models=tuple(
            ModelPrices(
                model,
                tuple(_as_rates(rates, tiers)),
                tuple(bands[model]),
                _find_minimum(rates),
                are_compared=True,
            )
            for model, rates in stored.items()
        ),
    )


def load_periods(rate_ids: Iterable[int]) -> dict[int, PeriodPrice]:
    """Return how each of some rates depends on the period, the others left out."""
    ids = set(rate_ids)
    tiers = _read_tiers(RateTier.objects.filter(rate__in=ids))
    rates = StoredRate.objects.filter(pk__in=ids)
    read = ((rate.pk, _as_period(rate, tiers)) for rate in rates)
    return {pk: period for pk, period in read if period}


def may_be_trued_up(path: str = "") -> Q:
    """Match the rates, or what leads to one by a path, that a period's end may charge.

    They are those whose `PeriodPrice.is_trued_up`.
    """
    is_by_volume = Q((f"{path}per_period", PerPeriod.VOLUME))
    has_minimum = Q((f"{path}minimum_per_period__isnull", False))
    has_maximum = Q((f"{path}maximum_per_period__isnull", False))
    return is_by_volume | has_minimum | has_maximum


def _read_tiers(rows: QuerySet[RateTier]) -> dict[int, list[Tier]]:
    """Return the tiers of each rate that has some, by the rate's id."""
    tiers: defaultdict[int, list[Tier]] = defaultdict(list)
    for tier in rows.order_by("rate", "position"):
        tiers[tier.rate_id].append(Tier(tier.up_to, tier.price, tier.flat))
    return tiers


def _load_bands(version: RateCardVersion) -> defaultdict[str, list[Band]]:
    """Return the bands of each model."""
    bands: defaultdict[str, list[Band]] = defaultdict(list)
    # They were stored in the card's order.
    for band in ContextBand.objects.filter(version=version).order_by("pk"):
        bands[band.model].append(
            Band(band.max_tokens, band.multiplier, band.below_tokens, id=band.pk)
        )
    return bands


def _as_rates(
    stored: Iterable[StoredRate], tiers: dict[int, list[Tier]]
) -> Iterator[Rate]:
    """Yield the rates of a model, the least of a call aside."""
    for rate in stored:
        if rate.dimension != MINIMUM:
            yield Rate(
                rate.dimension,
                rate.unit,
                rate.unit_name,
                rate.price,
                read_when(rate.when),
                _as_period(rate, tiers),
                id=rate.pk,
            )


def _as_period(rate: StoredRate, tiers: dict[int, list[Tier]]) -> PeriodPrice | None:
    """Return how a rate depends on the period, if it does."""
    if not rate.per_period:
        return None
    single = [Tier(None, rate.price)]
    chosen = tuple(tiers.get(rate.pk, single))
    return PeriodPrice(
        PeriodMode(rate.per_period),
        chosen,
        rate.free_per_period,
        rate.minimum_per_period,
        rate.maximum_per_period,
    )


def _find_minimum(stored: Iterable[StoredRate]) -> Minimum | None:
    """Return the least that a call of the model costs, if there is one."""
    found = (rate for rate in stored if rate.dimension == MINIMUM)
    return next((Minimum(rate.price, id=rate.pk) for rate in found), None)
