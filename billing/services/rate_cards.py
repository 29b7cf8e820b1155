"""Drafting and publishing prices."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from billing.models import (
    ContextBand,
    Rate,
    RateCard,
    RateCardVersion,
    RateTier,
    Terms,
)
from billing.pricing.additions import only_adds
from billing.pricing.card import Card, Minimum, ModelPrices
from billing.pricing.card import Rate as CardRate
from billing.pricing.dimensions import MINIMUM
from billing.queries.cards import load_card
from billing.queries.price_book import PriceBook
from billing.services.locking import lock_prices
from ledger.money import ZERO


@transaction.atomic
def create_rate_card(*, code: str, name: str, currency: str) -> RateCard:
    """Make a card without any version; nothing can be priced on it yet."""
    return RateCard.objects.create(code=code, name=name, currency=currency)


class CurrencyMismatchError(Exception):
    """The prices are in another currency than the card."""


@transaction.atomic
def draft_version(*, rate_card: RateCard, card: Card) -> RateCardVersion:
    """Store prices as the card's next version, not yet in force.

    :raises CurrencyMismatchError: if the prices are in another currency.
    """
    if card.currency != rate_card.currency:
        message = f"the card is in {rate_card.currency}, the prices in {card.currency}"
        raise CurrencyMismatchError(message)
    last = rate_card.versions.aggregate(last=Max("number"))["last"] or 0
    version = RateCardVersion.objects.create(rate_card=rate_card, number=last + 1)
    for prices in card.models:
        _store_prices(version, prices)
    return version


def _store_prices(version: RateCardVersion, prices: ModelPrices) -> None:
    rates = [_as_row(version, prices.model, rate) for rate in prices.rates]
    if prices.minimum:
        rates.append(_minimum_row(version, prices.model, prices.minimum))
    Rate.objects.bulk_create(rates)
    RateTier.objects.bulk_create(
        RateTier(
            version=version,
            rate=row,
            position=position,
            up_to=tier.up_to,
            price=tier.unit_price,
            flat=tier.flat,
        )
        for row, rate in zip(rates, prices.rates, strict=False)
        for position, tier in enumerate(rate.period.tiers if rate.period else (), 1)
    )
    ContextBand.objects.bulk_create(
        ContextBand(
            version=version,
            model=prices.model,
            max_tokens=band.max_tokens,
            below_tokens=band.below_tokens,
            multiplier=band.multiplier,
        )
        for band in prices.bands
    )


def _as_row(version: RateCardVersion, model: str, rate: CardRate) -> Rate:
    return Rate(
        version=version,
        model=model,
        dimension=rate.dimension,
        unit=rate.unit,
        unit_name=rate.unit_name,
        price=rate.price,
        when=rate.when.as_mapping(),
        per_period=rate.period.mode.value if rate.period else "",
        free_per_period=rate.period.free if rate.period else ZERO,
        minimum_per_period=rate.period.minimum if rate.period else None,
        maximum_per_period=rate.period.maximum if rate.period else None,
    )


def _minimum_row(version: RateCardVersion, model: str, minimum: Minimum) -> Rate:
    return Rate(
        version=version,
        model=model,
        dimension=MINIMUM,
        unit=1,
        unit_name=version.rate_card.currency.lower(),
        price=minimum.price,
    )


class AlreadyPublishedError(Exception):
    """The version is in force, or was; it cannot be published again."""


class RetroactivePriceError(Exception):
    """The effective date lies in a past that other prices are in force for."""


class InstantTakenError(Exception):
    """Another version of the card takes effect at the same instant."""


@transaction.atomic
def publish_version(
    *, version: RateCardVersion, effective_from: datetime, by: str, at: datetime
) -> RateCardVersion:
    """Freeze a draft and put it in force from a date on.

    Calls that are priced stay as they are, so the date may lie in the past only for
    prices that were missing then: calls that wait for them in quarantine get a price.
    On a card that a customer has of its own nothing was missing: a model that is not on
    it has the plan's price.

    :raises AlreadyPublishedError: if the version was published before.
    :raises InstantTakenError: if another one takes effect then.
    :raises RetroactivePriceError: if the date is past and it would change a price.
    """
    # First, as metering does: a batch under way is priced before this, or after it.
    lock_prices()
    draft = _lock_with_its_card(version)
    if draft.published_at:
        raise AlreadyPublishedError(f"{draft} is published already")
    _require_free(draft.rate_card, effective_from)
    if effective_from < at and _changes_prices(draft, effective_from, at):
        message = (
            f"{effective_from:%Y-%m-%d %H:%M} is past: priced calls stay as they are"
        )
        raise RetroactivePriceError(message)
    draft.effective_from, draft.published_at, draft.published_by = (
        effective_from,
        at,
        by,
    )
    draft.save(update_fields=["effective_from", "published_at", "published_by"])
    return draft


def _lock_with_its_card(version: RateCardVersion) -> RateCardVersion:
    both = RateCardVersion.objects.select_for_update().select_related("rate_card")
    return both.get(pk=version.pk)


def _require_free(card: RateCard, instant: datetime) -> None:
    published = card.versions.filter(published_at__isnull=False)
    taken = published.filter(effective_from=instant).first()
    if taken:
        message = f"{taken} takes effect at {instant:%Y-%m-%d %H:%M} already"
        raise InstantTakenError(message)


def _changes_prices(
    draft: RateCardVersion, effective_from: datetime, at: datetime
) -> bool:
    """Tell whether a call of before `at` could cost something else with a draft."""
    book = PriceBook([draft.rate_card_id])
    earlier = book.find_version(draft.rate_card_id, effective_from)
    later = load_card(draft.pk)
    known = load_card(earlier) if earlier else None
    if _has_terms(draft.rate_card, at) and _adds_models(later, known):
        return True
    return known is not None and not only_adds(later, to=known)


def _has_terms(card: RateCard, before: datetime) -> bool:
    """Tell whether a customer had a card of its own before some instant."""
    return Terms.objects.filter(rate_card=card, effective_from__lt=before).exists()


def _adds_models(later: Card, known: Card | None) -> bool:
    """Tell whether a card has a model that another one, if there is any, has not."""
    names = {prices.model for prices in known.models} if known else set()
    return any(prices.model not in names for prices in later.models)
