"""Estimating what described calls would cost in a number of days.

Nothing here writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from billing.pricing.charges import ChargeLine
from billing.pricing.estimating import (
    Calls,
    Estimate,
    UnpricedCallsError,
    estimate_period,
)
from billing.pricing.explain import explain
from billing.pricing.rating import CompiledCard, UnratableError
from billing.queries.estimates import (
    Basis,
    PackProposal,
    list_cards,
    propose_pack,
    terms_of,
)
from ledger.money import WIDE, ZERO, exact, total

# What stands for a billing period, which prices by the period begin anew.
MONTH: Final = 30


@dataclass(frozen=True, slots=True)
class Workload:
    """Calls of one model that all state the same properties, so many each day."""

    model: str
    properties: Mapping[str, object]
    calls_per_day: Decimal


@dataclass(frozen=True, slots=True)
class EstimatedCharge:
    """What one dimension of all calls costs, and how that comes about."""

    dimension: str
    quantity: Decimal
    amount: Decimal
    explanation: str


@dataclass(frozen=True, slots=True)
class WorkloadEstimate:
    """What a workload costs in a number of days, with the arithmetic of all its calls.

    `per_call` is what a call costs on average.
    """

    workload: Workload
    calls: Decimal
    charges: tuple[EstimatedCharge, ...]
    depends_on_time: bool

    @property
    def amount(self) -> Decimal:
        """What all calls cost."""
        return total(charge.amount for charge in self.charges)

    @property
    def per_call(self) -> Decimal:
        """What a call costs on average; nothing without any."""
        return exact(WIDE.divide(self.amount, self.calls)) if self.calls else ZERO


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What workloads cost together in a number of days, the plan's fee aside."""

    basis: Basis
    days: int
    workloads: tuple[WorkloadEstimate, ...]
    amount: Decimal
    pack: PackProposal | None

    @property
    def per_day(self) -> Decimal:
        """What a day costs on average."""
        return exact(WIDE.divide(self.amount, Decimal(self.days)))


class _Stretch(NamedTuple):
    """So many periods of so many days, each of which costs the same."""

    days: int
    times: int


def estimate_workloads(
    *, basis: Basis, workloads: Sequence[Workload], days: int
) -> CostEstimate:
    """Price described workloads over a number of days and propose a pack.

    All of them share the period. Where prices depend on it, it begins anew every 30
    days.

    :raises UnpricedCallsError: if one of them has no price.
    """
    cards = _find_cards(basis, workloads)
    stretches = _cut(days, workloads, cards)
    found = [(each, _estimate(basis, workloads, cards, each)) for each in stretches]
    estimates = tuple(
        WorkloadEstimate(
            workload=workload,
            calls=WIDE.multiply(workload.calls_per_day, Decimal(days)),
            charges=tuple(
                charge
                for stretch, each in found
                for charge in _charges(each[position], stretch, days, basis.currency)
            ),
            depends_on_time=found[0][1][position].depends_on_time,
        )
        for position, workload in enumerate(workloads)
    )
    amount = total(each.amount for each in estimates)
    return CostEstimate(
        basis=basis,
        days=days,
        workloads=estimates,
        amount=amount,
        pack=propose_pack(currency=basis.currency, amount=amount, days=days),
    )


def _find_cards(basis: Basis, workloads: Sequence[Workload]) -> list[CompiledCard]:
    """Return the prices of each workload: the customer's own, or else the plan's."""
    try:
        cards = list_cards(basis)
    except UnratableError as error:
        raise UnpricedCallsError(0, error) from error
    return [
        next((card for card in cards if card.find_model(each.model)), cards[-1])
        for each in workloads
    ]


def _cut(
    days: int, workloads: Sequence[Workload], cards: Sequence[CompiledCard]
) -> list[_Stretch]:
    """Cut days into months and the rest, if some price depends on the period."""
    found = (
        card.find_model(each.model) for card, each in zip(cards, workloads, strict=True)
    )
    if not any(model and model.has_period_prices for model in found):
        return [_Stretch(days, 1)]
    months, rest = divmod(days, MONTH)
    stretches = [_Stretch(MONTH, months), _Stretch(rest, 1)]
    return [each for each in stretches if each.days and each.times]


def _estimate(
    basis: Basis,
    workloads: Sequence[Workload],
    cards: Sequence[CompiledCard],
    stretch: _Stretch,
) -> list[Estimate]:
    calls = [
        Calls(
            card,
            each.model,
            each.properties,
            WIDE.multiply(each.calls_per_day, Decimal(stretch.days)),
        )
        for each, card in zip(workloads, cards, strict=True)
    ]
    return estimate_period(calls, at=basis.at, terms=terms_of(basis))


def _charges(
    estimate: Estimate, stretch: _Stretch, days: int, currency: str
) -> Iterator[EstimatedCharge]:
    """Yield what a workload costs in a stretch of the days."""
    where = _where(stretch, days)
    for line in estimate.lines:
        yield _as_charge(line, stretch, f"{where}{explain(line, currency)}")
    for bound in estimate.bounds:
        which = "least" if bound.amount > 0 else "most"
        yield EstimatedCharge(
            bound.dimension,
            ZERO,
            WIDE.multiply(bound.amount, Decimal(stretch.times)),
            f"{where}The {which} that a period costs.",
        )


def _where(stretch: _Stretch, days: int) -> str:
    """Return which of the days an explanation is about, unless it is all of them."""
    if stretch.days == days:
        return ""
    if stretch.times == 1:
        return f"In {stretch.days} days: "
    return f"In each of {stretch.times} periods of {stretch.days} days: "


def _as_charge(
    line: ChargeLine, stretch: _Stretch, explanation: str
) -> EstimatedCharge:
    times = Decimal(stretch.times)
    return EstimatedCharge(
        line.dimension,
        WIDE.multiply(line.quantity, times),
        WIDE.multiply(line.amount, times),
        explanation,
    )
