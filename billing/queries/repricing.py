"""Pricing real usage again, as if other prices had been in force. Nothing is written.

An event is rated as metering rates it. What it was charged is the sum of its charges.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from billing import exact_json
from billing.periods import period_containing
from billing.pricing.period_prices import Used
from billing.pricing.rating import (
    CompiledCard,
    Rated,
    Reason,
    Terms,
    UnratableError,
    rate_event,
)
from billing.queries.accounts import Account
from billing.queries.priced_usage import (
    StoredEvent,
    Usage,
    find_first_usage,
    list_billed_periods,
    read_usage,
    sum_charges,
)
from billing.queries.repriced import Repriced

# What another card of the customer says of a model at an instant.
FindPrices = Callable[[str, datetime], CompiledCard | None]
IsAsked = Callable[[str, datetime], bool]


def reprice(
    *,
    account: Account,
    start: datetime,
    end: datetime,
    card: CompiledCard,
    instead: CompiledCard | None = None,
    terms: Terms | None = None,
    model: str | None = None,
) -> Repriced:
    """Price a customer's usage from `start` to before `end` on a card.

    Models that the card has not cost what the other one says, if there is another. The
    customer's own terms apply as of each event's time, unless others are given.
    With `model` every call is priced as that model's, and its line keeps the name it
    was made under. Where prices depend on the billing period, each begins anew.
    """
    repricer = Repricer(
        account=account,
        card=card,
        terms=terms,
        model=model,
        find_instead=lambda _model, _at: instead,
    )
    usage = Usage(customer_id=account.id, start=start, end=end)
    if not any(each and each.has_period_prices for each in (card, instead)):
        repricer.add(usage)
        return repricer.result
    for period in list_billed_periods(customer_id=account.id, start=start, end=end):
        repricer.add(replace(usage, billed_in=period))
    return repricer.result


class Repricer:
    """Price usage of one customer on a card, and add it up in `result`.

    `find_instead` finds the prices of a model that the card has not. `is_asked` tells
    whether the card is the one that a call in quarantine would be priced on.
    """

    def __init__(
        self,
        *,
        account: Account,
        card: CompiledCard,
        terms: Terms | None = None,
        model: str | None = None,
        find_instead: FindPrices = lambda _model, _at: None,
        is_asked: IsAsked = lambda _model, _at: True,
    ) -> None:
        self.result = Repriced()
        self._account = account
        self._card = card
        self._terms = terms
        self._model = model
        self._find_instead = find_instead
        self._is_asked = is_asked

    def add(self, usage: Usage) -> None:
        """Add what happened in a time.

        What is billed in one period is rated from the beginning of that period on, and
        what happened outside the time only counts as used.
        """
        used: Used | None = {} if usage.billed_in else None
        for batch in read_usage(self._widen(usage)):
            self._add_batch(batch, usage, used)

    def _widen(self, usage: Usage) -> Usage:
        if usage.billed_in is None:
            return usage
        first = find_first_usage(
            customer_id=usage.customer_id, billed_in=usage.billed_in
        )
        end = period_containing(usage.billed_in, self._account.zone).end
        return replace(
            usage, start=min(usage.start, first or usage.start), end=max(usage.end, end)
        )

    def _add_batch(
        self, batch: Sequence[StoredEvent], usage: Usage, used: Used | None
    ) -> None:
        priced: list[StoredEvent] = []
        for event in filter(self._belongs, batch):
            is_meant = usage.start <= event.occurred_at < usage.end
            try:
                rated = self._rate(event, used)
            except UnratableError as error:
                if is_meant:
                    self.result.add_unpriced(event, error)
                continue
            if is_meant:
                self.result.add(event, rated.lines)
                priced.append(event)
        self._add_charged(priced)

    def _belongs(self, event: StoredEvent) -> bool:
        """Tell whether an event is one for this card: recorded ones were chosen so."""
        if event.quarantined is None:
            return True
        return self._is_asked(event.model, event.occurred_at)

    def _rate(self, event: StoredEvent, used: Used | None) -> Rated:
        """Price one event.

        :raises UnratableError: if it has no price.
        """
        at, model = event.occurred_at, self._model or event.model
        if self._card.currency != self._account.currency:
            detail = f"The prices are in {self._card.currency}."
            raise UnratableError(Reason.OTHER_CURRENCY, detail)
        properties = exact_json.decode(event.properties)
        terms = self._terms or self._account.terms_at(at)
        try:
            return rate_event(
                self._card, model, properties, at=at, terms=terms, used=used
            )
        except UnratableError as error:
            if error.reason is not Reason.UNKNOWN_MODEL:
                raise
            instead = self._find_instead(model, at)
            if instead is None:
                raise
        return rate_event(instead, model, properties, at=at, terms=terms, used=used)

    def _add_charged(self, priced: Sequence[StoredEvent]) -> None:
        recorded = [event for event in priced if event.quarantined is None]
        if not recorded:
            return
        times = [event.occurred_at for event in recorded]
        charged = sum_charges(
            customer_id=self._account.id,
            event_ids=[event.id for event in recorded],
            first=min(times),
            last=max(times),
        )
        self.result.add_charged(charged)
