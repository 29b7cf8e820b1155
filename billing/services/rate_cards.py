"""Drafting and publishing prices."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from billing.models import ContextBand, Rate, RateCard, RateCardVersion
from billing.pricing.additions import only_adds
from billing.pricing.card import Card, ModelPrices
from billing.pricing.conditions import ALWAYS
from billing.services.price_book import PriceBook, load_card


@transaction.atomic
def create_rate_card(*, code: str, name: str, currency: str) -> RateCard:
    """Make a card without any version; nothing can be priced on it yet."""
    return RateCard.objects.create(code=code, name=name, currency=currency)


class CurrencyMismatchError(Exception):
    """The prices are in another currency than the card."""


class NotStorableError(Exception):
    """The prices say something that a version cannot hold yet."""


def require_storable(card: Card) -> None:
    """Do nothing if a version can hold all that a card says.

    :raises NotStorableError: if it has conditions, a minimum, or a band that ends below
        a bound or nowhere: pricing knows these, the tables do not yet.
    """
    for prices in card.models:
        if any(rate.when != ALWAYS for rate in prices.rates):
            message = f"{prices.model}: rates with conditions cannot be stored yet"
            raise NotStorableError(message)
        if prices.minimum or any(band.max_tokens is None for band in prices.bands):
            message = (
                f"{prices.model}: bands need max_tokens, and no minimum is stored yet"
            )
            raise NotStorableError(message)


@transaction.atomic
def draft_version(*, rate_card: RateCard, card: Card) -> RateCardVersion:
    """Store prices as the card's next version, not yet in force.

    :raises CurrencyMismatchError: if the prices are in another currency.
    :raises NotStorableError: if they say what a version cannot hold yet.
    """
    if card.currency != rate_card.currency:
        message = f"the card is in {rate_card.currency}, the prices in {card.currency}"
        raise CurrencyMismatchError(message)
    require_storable(card)
    last = rate_card.versions.aggregate(last=Max("number"))["last"] or 0
    version = RateCardVersion.objects.create(rate_card=rate_card, number=last + 1)
    for prices in card.models:
        _store_prices(version, prices)
    return version


def _store_prices(version: RateCardVersion, prices: ModelPrices) -> None:
    Rate.objects.bulk_create(
        Rate(
            version=version,
            model=prices.model,
            dimension=rate.dimension,
            unit=rate.unit,
            unit_name=rate.unit_name,
            price=rate.price,
        )
        for rate in prices.rates
    )
    ContextBand.objects.bulk_create(
        ContextBand(
            version=version,
            model=prices.model,
            max_tokens=band.max_tokens,
            multiplier=band.multiplier,
        )
        for band in prices.bands
        if band.max_tokens is not None
    )


class AlreadyPublishedError(Exception):
    """The version is in force, or was; it cannot be published again."""


class RetroactivePriceError(Exception):
    """The effective date lies in a past that other prices are in force for."""


@transaction.atomic
def publish_version(
    *, version: RateCardVersion, effective_from: datetime, by: str, at: datetime
) -> RateCardVersion:
    """Freeze a draft and put it in force from a date on.

    Calls that are priced stay as they are, so the date may lie in the past only for
    prices that were missing then: calls that wait for them in quarantine get a price.

    :raises AlreadyPublishedError: if the version was published before.
    :raises RetroactivePriceError: if the date is past and it would change a price.
    """
    draft = RateCardVersion.objects.select_for_update().get(pk=version.pk)
    if draft.published_at:
        raise AlreadyPublishedError(str(draft))
    if effective_from < at and _changes_prices(draft, effective_from):
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


def _changes_prices(draft: RateCardVersion, effective_from: datetime) -> bool:
    book = PriceBook([draft.rate_card_id])
    earlier = book.find_version(draft.rate_card_id, effective_from)
    if earlier is None:
        return False
    return not only_adds(load_card(draft.pk), to=load_card(earlier))
