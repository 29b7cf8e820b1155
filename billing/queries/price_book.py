"""Compiled rate cards, found by card and time."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from billing.models import RateCardVersion
from billing.pricing.rating import (
    CompiledCard,
    Reason,
    UnratableError,
    compile_card,
)
from billing.pricing.versions import select_version
from billing.queries.accounts import Account
from billing.queries.cards import load_card


class Prices(NamedTuple):
    """One version of a card, ready for rating."""

    rate_card_id: int
    version_id: int
    card: CompiledCard


class PriceBook:
    """The published versions of some cards, as they stand when it is made."""

    def __init__(self, rate_card_ids: Iterable[int]) -> None:
        self._preferred: Prices | None = None
        self._preferred_models: set[str] = set()
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

    def prefer(self, version_id: int, *, priced: str) -> None:
        """Price by a version the model that it has priced, and others that it names."""
        version = RateCardVersion.objects.get(pk=version_id)
        card = compiled_version(version_id)
        self._preferred = Prices(version.rate_card_id, version_id, card)
        self._preferred_models = {priced, *card.models}

    def find_version(self, rate_card_id: int, at: datetime) -> int | None:
        """Return the version that prices what happened at an instant, if any."""
        return select_version(self._versions.get(rate_card_id, []), at)

    def find_prices(
        self, rate_card_ids: Iterable[int], at: datetime, model: str
    ) -> Prices | None:
        """Return the prices of a model at an instant, on the first card that has it.

        Without any such, it is the last card that had prices then, if one had.
        """
        if model in self._preferred_models:
            return self._preferred
        found = None
        for card_id in rate_card_ids:
            version_id = self.find_version(card_id, at)
            if version_id is not None:
                found = Prices(card_id, version_id, compiled_version(version_id))
                if found.card.find_model(model):
                    break
        return found


def open_price_book(accounts: Iterable[Account]) -> PriceBook:
    """Return the prices of all cards that could price some customers' calls."""
    return PriceBook(
        card_id for account in accounts for card_id in account.rate_card_ids
    )


def require_prices(prices: Prices | None, account: Account, at: datetime) -> Prices:
    """Return prices that may rate a customer's call of an instant.

    :raises UnratableError: if there are none, or in another currency than the wallet's.
    """
    if prices is None:
        detail = f"The rate card has no version for {at:%Y-%m-%d %H:%M} UTC."
        raise UnratableError(Reason.NO_VERSION, detail)
    if prices.card.currency != account.currency:
        detail = f"The prices are in {prices.card.currency}, not {account.currency}."
        raise UnratableError(Reason.OTHER_CURRENCY, detail)
    return prices


@lru_cache(maxsize=256)
def compiled_version(version_id: int) -> CompiledCard:
    """Return a published version ready for rating; it is frozen, so kept for ever."""
    return compile_card(load_card(version_id))
