"""Reading rate cards. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from billing.models import RateCardVersion
from billing.pricing.card import ModelPrices
from billing.pricing.diff import Change, describe_prices, diff_cards
from billing.queries.cards import load_card

# A public catalogue has thousands of models, which no page can show at once.
_MODELS_PER_PAGE: Final = 25
_CHANGES_SHOWN: Final = 200


class UnknownVersionError(LookupError):
    """There is no such rate card, or it has no such version."""


@dataclass(frozen=True, slots=True)
class PriceDiff:
    """What a version changes, compared with the one that it follows, if any.

    `until` is the version that takes its place, if one is published already.
    """

    version: RateCardVersion
    follows: RateCardVersion | None
    until: RateCardVersion | None
    changes: tuple[Change, ...]


def find_latest_version(*, rate_card_id: int | None) -> RateCardVersion | None:
    """Return the published version of a card that takes effect last.

    Without a card's id, it is that of the card published last; an unknown id has none.
    """
    published = RateCardVersion.objects.filter(published_at__isnull=False)
    if rate_card_id is None:
        return published.order_by("-published_at", "-pk").first()
    return published.filter(rate_card=rate_card_id).order_by("-effective_from").first()


def get_version(*, code: str, number: int | None = None) -> RateCardVersion:
    """Return a version of the card with this code, without a number the newest.

    The newest is the one drafted last, published or not.

    :raises UnknownVersionError: if there is no such card or version.
    """
    versions = RateCardVersion.objects.filter(rate_card__code=code)
    if number is not None:
        versions = versions.filter(number=number)
    version = versions.select_related("rate_card").order_by("-number").first()
    if version is None:
        what = "version" if number is None else f"version {number}"
        raise UnknownVersionError(f"there is no {what} of a rate card {code!r}")
    return version


def get_published_version(*, code: str) -> RateCardVersion:
    """Return the published version of the card with this code that takes effect last.

    :raises UnknownVersionError: if there is no such card, or nothing of it published.
    """
    published = RateCardVersion.objects.filter(
        rate_card__code=code, published_at__isnull=False
    )
    version = published.order_by("-effective_from").first()
    if version is None:
        message = f"there is no published version of a rate card {code!r}"
        raise UnknownVersionError(message)
    return version


def find_followed_version(
    *, version: RateCardVersion, at: datetime
) -> RateCardVersion | None:
    """Return the version whose place another one takes, or took, if there is one.

    It is in force when that one takes effect: a draft without a date would at `at`.
    """
    earlier = _others(version).filter(effective_from__lte=version.effective_from or at)
    return earlier.order_by("-effective_from").first()


def find_next_version(
    *, version: RateCardVersion, at: datetime
) -> RateCardVersion | None:
    """Return the published version that ends another one's time, if there is one.

    A draft without a date would take effect at `at`.
    """
    later = _others(version).filter(effective_from__gt=version.effective_from or at)
    return later.order_by("effective_from").first()


def _others(version: RateCardVersion) -> QuerySet[RateCardVersion]:
    """Return the other published versions of a version's card."""
    published = RateCardVersion.objects.filter(
        rate_card=version.rate_card_id, published_at__isnull=False
    )
    return published.exclude(pk=version.pk).select_related("rate_card")


def get_diff(
    *, version: RateCardVersion, at: datetime, other: RateCardVersion | None = None
) -> PriceDiff:
    """Return what a version changes of the one that it follows, or of another one.

    One that follows no published version changes nothing. `at` is when a draft without
    a date would take effect.
    """
    follows = other or find_followed_version(version=version, at=at)
    until = find_next_version(version=version, at=at)
    if follows is None:
        return PriceDiff(version, None, until, ())
    changes = diff_cards(load_card(follows.pk), load_card(version.pk))
    return PriceDiff(version, follows, until, changes)


@dataclass(frozen=True, slots=True)
class PricePage:
    """What an operator sees of a version: its first changes, and some of its prices.

    `more` is how many changes are not shown. `models` is a page of the models, and
    `prices` has their prices.
    """

    diff: PriceDiff
    changes: tuple[Change, ...]
    more: int
    models: Page[ModelPrices]
    prices: tuple[Change, ...]


def get_price_page(*, version: RateCardVersion, at: datetime, number: str) -> PricePage:
    """Return what a version changes, as `get_diff` does, and one page of its prices.

    The number is whatever was asked for; the nearest page there is is shown.
    """
    diff = get_diff(version=version, at=at)
    card = load_card(version.pk)
    models = Paginator(card.models, _MODELS_PER_PAGE).get_page(number)
    prices = (describe_prices(each, card.currency) for each in models)
    shown = diff.changes[:_CHANGES_SHOWN]
    more = len(diff.changes) - len(shown)
    return PricePage(diff, shown, more, models, tuple(chain.from_iterable(prices)))
