"""Drafts of a rate card that is known by its code: made, and thrown away."""

from django.db import transaction

from billing.models import (
    Backtest,
    BacktestChunk,
    BacktestGap,
    BacktestLine,
    RateCard,
    RateCardVersion,
)
from billing.models.backtests import BacktestStatus
from billing.pricing.card import Card
from billing.services.rate_cards import (
    AlreadyPublishedError,
    create_rate_card,
    draft_version,
)


class UnknownRateCardError(LookupError):
    """There is no rate card of this code."""


@transaction.atomic
def draft_prices(
    *, code: str, card: Card, name_if_new: str | None = None
) -> RateCardVersion:
    """Store prices as the next version of a card, which is made if it may be new.

    A new card is in the currency of the prices. If they cannot be stored it is not
    made either.

    :raises UnknownRateCardError: if there is no such card, and no name for a new one.
    :raises CurrencyMismatchError: as `draft_version` does.
    """
    # Locked, so that of two drafts at once each has its own number.
    found = RateCard.objects.select_for_update().filter(code=code).first()
    if found is None:
        if name_if_new is None:
            raise UnknownRateCardError(f"there is no rate card {code!r}")
        found = create_rate_card(code=code, name=name_if_new, currency=card.currency)
    return draft_version(rate_card=found, card=card)


@transaction.atomic
def delete_draft(*, version: RateCardVersion) -> None:
    """Delete a version that was never published, with all its prices.

    What it was tried on goes with it.

    :raises AlreadyPublishedError: if it was; calls may have been priced by it.
    """
    draft = RateCardVersion.objects.select_for_update().get(pk=version.pk)
    if draft.published_at:
        raise AlreadyPublishedError(f"{draft} is published, and stays")
    _delete_backtests(draft)
    # Not `delete`, which would look through all history for calls priced by a draft.
    for prices in (draft.tiers, draft.rates, draft.bands):
        prices.all()._raw_delete(prices.db)
    RateCardVersion.objects.filter(pk=draft.pk)._raw_delete(prices.db)


def _delete_backtests(draft: RateCardVersion) -> None:
    backtests = Backtest.objects.filter(version=draft)
    # Whoever plans one is waited for; chunks that workers have in hand are, next.
    list(backtests.filter(status=BacktestStatus.QUEUED).select_for_update())
    for part in (BacktestChunk, BacktestLine, BacktestGap):
        part._default_manager.filter(backtest__in=backtests).delete()
    backtests.delete()
