"""Compiled rate cards, found by card and time."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from billing.models import ContextBand, Rate, RateCardVersion
from billing.pricing.card import Band, Card, ModelPrices
from billing.pricing.card import Rate as CardRate
from billing.pricing.rating import (
    CompiledCard,
    Reason,
    UnratableError,
    compile_card,
)
from billing.pricing.versions import select_version


class PriceBook:
    """The published versions of some cards, as they stand when it is made."""

    def __init__(self, rate_card_ids: Iterable[int]) -> None:
        self._versions: dict[int, list[tuple[datetime, int]]] = {}
        published = RateCardVersion.objects.filter(
            rate_card__in=set(rate_card_ids), published_at__isnull=False
        )
        rows = published.order_by("effective_from").values_list(
            "rate_card_id", "effective_from", "pk"
        )
        for card_id, effective_from, version_id in rows:
            assert effective_from is not None  # noqa: S101 - a CHECK says so.
            self._versions.setdefault(card_id, []).append((effective_from, version_id))

    def find_version(self, rate_card_id: int, at: datetime) -> int | None:
        """Return the version that prices what happened at an instant, if any."""
        return select_version(self._versions.get(rate_card_id, []), at)

    def get_version(self, rate_card_id: int, at: datetime) -> int:
        """Return the version that prices what happened at an instant.

        :raises UnratableError: if the card had no version then.
        """
        version_id = self.find_version(rate_card_id, at)
        if version_id is None:
            detail = f"The rate card has no version for {at:%Y-%m-%d %H:%M} UTC."
            raise UnratableError(Reason.NO_VERSION, detail)
        return version_id

    def find_card(self, rate_card_id: int, at: datetime) -> CompiledCard | None:
        """Return the prices of what happened at an instant, if any."""
        version_id = self.find_version(rate_card_id, at)
        return compiled_version(version_id) if version_id else None


@lru_cache(maxsize=256)
def compiled_version(version_id: int) -> CompiledCard:
    """Return a published version ready for rating; it is frozen, so kept for ever."""
    return compile_card(load_card(version_id))


def load_card(version_id: int) -> Card:
    """Return a version's prices as data, with the ids of their rows."""
    version = RateCardVersion.objects.select_related("rate_card").get(pk=version_id)
    rates: dict[str, list[CardRate]] = {}
    for rate in Rate.objects.filter(version=version).order_by("pk"):
        rates.setdefault(rate.model, []).append(
            CardRate(rate.dimension, rate.unit, rate.unit_name, rate.price, id=rate.pk)
        )
    bands: dict[str, list[Band]] = {}
    for band in ContextBand.objects.filter(version=version).order_by("max_tokens"):
        bands.setdefault(band.model, []).append(
            Band(band.max_tokens, band.multiplier, id=band.pk)
        )
    return Card(
        currency=version.rate_card.currency,
        models=tuple(
            ModelPrices(model, tuple(rates[model]), tuple(bands.get(model, ())))
            for model in rates
        ),
    )
