"""Estimating what a customer's real usage would have cost on other prices.

Nothing here writes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from billing.models import UsageEvent
from billing.queries.accounts import Account
from billing.queries.estimates import (
    Basis,
    PackProposal,
    list_cards,
    propose_pack,
    terms_of,
)
from billing.queries.repriced import Repriced
from billing.queries.repricing import reprice
from ledger.money import WIDE, ZERO, exact, total

# Some seconds of one core; for more there is the backtest.
MOST_CALLS = 100_000


class TooMuchUsageError(Exception):
    """The usage has more calls than an answer can wait for."""


@dataclass(slots=True)
class ModelEstimate:
    """What the calls of one model were charged, and what they would be."""

    model: str
    before: Decimal = ZERO
    after: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Calls of one model that would have no price, and why."""

    model: str
    reason: str
    detail: str
    calls: int
    before: Decimal


@dataclass(frozen=True, slots=True)
class PastEstimate:
    """What a time's usage was charged, and what it would be on other prices.

    `before` and `after` leave out the calls that would have no price.
    """

    basis: Basis
    start: datetime
    days: int
    calls: int
    before: Decimal
    after: Decimal
    models: tuple[ModelEstimate, ...]
    unpriced: tuple[Unpriced, ...]
    pack: PackProposal | None

    @property
    def difference(self) -> Decimal:
        """What would be paid more; below zero, less."""
        return WIDE.subtract(self.after, self.before)

    @property
    def per_day(self) -> Decimal:
        """What a day would have cost on average."""
        return exact(WIDE.divide(self.after, Decimal(self.days)))


def estimate_past(
    *, basis: Basis, account: Account, days: int, model: str | None
) -> PastEstimate:
    """Price a customer's usage of the last days again, on a plan or as another model.

    The prices and the terms are those in force at the basis' instant. With `model`
    every call is priced as that model's.

    :raises TooMuchUsageError: if there are more than a hundred thousand calls.
    :raises UnratableError: if no version is in force.
    """
    start = basis.at - timedelta(days=days)
    _require_few(account, start, basis.at)
    card, *others = list_cards(basis)
    repriced = reprice(
        account=account,
        start=start,
        end=basis.at,
        card=card,
        instead=others[0] if others else None,
        terms=terms_of(basis),
        model=model,
    )
    models = _add_by_model(repriced)
    after = total(each.after for each in models)
    return PastEstimate(
        basis=basis,
        start=start,
        days=days,
        calls=repriced.calls - repriced.unpriced,
        before=total(each.before for each in models),
        after=after,
        models=models,
        unpriced=tuple(_list_unpriced(repriced)),
        pack=propose_pack(currency=basis.currency, amount=after, days=days),
    )


def _require_few(account: Account, start: datetime, end: datetime) -> None:
    events = UsageEvent.objects.filter(
        customer=account.id, occurred_at__gte=start, occurred_at__lt=end
    )
    # One more than may be tells whether there are too many.
    if events[: MOST_CALLS + 1].count() > MOST_CALLS:
        raise TooMuchUsageError(f"There are more than {MOST_CALLS:,} calls.")


def _add_by_model(repriced: Repriced) -> tuple[ModelEstimate, ...]:
    """Return what the calls of each model come to, the dearest first."""
    models: dict[str, ModelEstimate] = {}
    for key, line in repriced.lines.items():
        sums = models.setdefault(key.model, ModelEstimate(key.model))
        sums.before = WIDE.add(sums.before, line.before)
        sums.after = WIDE.add(sums.after, line.after)
    return tuple(sorted(models.values(), key=lambda each: (-each.after, each.model)))


def _list_unpriced(repriced: Repriced) -> Iterator[Unpriced]:
    for key, gap in sorted(repriced.gaps.items()):
        if not key.is_quarantined:
            yield Unpriced(key.model, key.reason, gap.detail, gap.calls, gap.before)
