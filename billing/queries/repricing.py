"""Pricing real usage again, as if other prices had been in force. Nothing is written.

An event is rated as metering rates it. What it was charged is the sum of its charges.
A billing period that lies wholly in the time is trued up on both sides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from billing import exact_json
from billing.periods import Period, period_containing, periods_within
from billing.pricing.period_prices import Used
from billing.pricing.period_sums import Owed, PeriodSums, list_owed
from billing.pricing.rating import (
    CompiledCard,
    Rated,
    Reason,
    Terms,
    UnratableError,
    rate_event,
)
from billing.queries.accounts import Account
from billing.queries.past_true_ups import find_billed_customer, list_past_true_ups
from billing.queries.priced_usage import (
    StoredEvent,
    Usage,
    find_first_usage,
    list_billed_periods,
    read_usage,
    sum_charges,
)
from billing.queries.repriced import Repriced

_INSTANT = timedelta(microseconds=1)

# What another card of the customer says of a model at an instant.
FindPrices = Callable[[str, datetime], CompiledCard | None]
IsAsked = Callable[[str, datetime], bool]
# What a period owes even unused, by what is in force at its end.
ListOwed = Callable[[datetime], Owed]


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
        list_owed=lambda _at: _list_owed(card, instead),
    )
    usage = Usage(customer_id=account.id, start=start, end=end)
    whole = [period.start for period in periods_within(start, end, account.zone)]
    if not any(each and each.has_period_prices for each in (card, instead)):
        repricer.add(usage)
        for period in whole:
            repricer.true_up(replace(usage, billed_in=period))
        return repricer.result
    billed = list_billed_periods(customer_id=account.id, start=start, end=end)
    for period in sorted({*billed, *whole}):
        repricer.add(replace(usage, billed_in=period))
    return repricer.result


def _list_owed(card: CompiledCard, instead: CompiledCard | None) -> Owed:
    more = list_owed(instead, but=card.models) if instead else {}
    return {**more, **list_owed(card)}


@dataclass(slots=True)
class _Counted:
    """What one billing period has used so far, and what that costs."""

    used: Used = field(default_factory=dict)
    sums: PeriodSums = field(default_factory=PeriodSums)


class Repricer:
    """Price usage of one customer on a card, and add it up in `result`.

    `find_instead` finds the prices of a model that the card has not. `is_asked` tells
    whether the card is the one that a call in quarantine would be priced on.
    `list_owed` lists what a period owes even unused.
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
        list_owed: ListOwed = lambda _at: {},
    ) -> None:
        self.result = Repriced()
        self._account = account
        self._card = card
        self._terms = terms
        self._model = model
        self._find_instead = find_instead
        self._is_asked = is_asked
        self._list_owed = list_owed

    def add(self, usage: Usage) -> None:
        """Add what happened in a time.

        What is billed in one period is rated from the beginning of that period on, and
        what happened outside the time only counts as used. It is trued up in the end.
        """
        counted = _Counted() if usage.billed_in else None
        for batch in read_usage(self._widen(usage)):
            self._add_batch(batch, usage, counted)
        if counted:
            self.true_up(usage, counted.sums)

    def true_up(self, usage: Usage, sums: PeriodSums | None = None) -> None:
        """Add what a billing period comes to at its end, unless the time cuts it."""
        period = self._period_of(usage)
        if period.start < usage.start or usage.end < period.end:
            return
        customer = find_billed_customer(customer_id=usage.customer_id, period=period)
        if customer is None:
            return
        before = list_past_true_ups(
            customer=customer, period=period, versions=usage.versions
        )
        owed = self._list_owed(period.end - _INSTANT)
        self.result.add_true_ups(before, (sums or PeriodSums()).true_up(owed))

    def _period_of(self, usage: Usage) -> Period:
        assert usage.billed_in  # noqa: S101 - the callers have looked.
        return period_containing(usage.billed_in, self._account.zone)

    def _widen(self, usage: Usage) -> Usage:
        if usage.billed_in is None:
            return usage
        first = find_first_usage(
            customer_id=usage.customer_id, billed_in=usage.billed_in
        )
        end = self._period_of(usage).end
        return replace(
            usage, start=min(usage.start, first or usage.start), end=max(usage.end, end)
        )

    def _add_batch(
        self, batch: Sequence[StoredEvent], usage: Usage, counted: _Counted | None
    ) -> None:
        priced: list[StoredEvent] = []
        for event in filter(self._belongs, batch):
            is_meant = usage.start <= event.occurred_at < usage.end
            try:
                rated = self._rate(event, counted.used if counted else None)
            except UnratableError as error:
                if is_meant:
                    self.result.add_unpriced(event, error)
                continue
            if counted:
                counted.sums.add(event.model, rated.lines)
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
