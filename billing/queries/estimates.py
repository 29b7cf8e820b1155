"""Estimating what a customer's calls would cost, and which pack would pay for them.

Nothing here writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from billing.models import CreditPack, Customer, Plan
from billing.pricing.charges import ChargeLine
from billing.pricing.estimating import Bound, estimate_calls
from billing.pricing.explain import explain
from billing.pricing.rating import CompiledCard, Reason, Terms, UnratableError
from billing.queries.accounts import Account, find_accounts
from billing.queries.price_book import PriceBook, compiled_version
from ledger.money import WIDE, ZERO, exact, total


@dataclass(frozen=True, slots=True)
class Workload:
    """Calls of one model that all state the same properties, so many each day."""

    model: str
    properties: Mapping[str, object]
    calls_per_day: Decimal


@dataclass(frozen=True, slots=True)
class Basis:
    """Whose prices an estimate is made with, as of when: a plan's or a customer's."""

    plan: Plan
    at: datetime
    account: Account | None = None

    @property
    def currency(self) -> str:
        """The currency of the prices."""
        return self.plan.rate_card.currency


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
    amount: Decimal
    per_call: Decimal
    charges: tuple[EstimatedCharge, ...]
    depends_on_time: bool


@dataclass(frozen=True, slots=True)
class PackProposal:
    """The packs that pay for an amount, and how many days they would last."""

    pack: CreditPack
    count: int
    price: Decimal
    credits: Decimal
    lasts_days: int | None


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


class UnpricedWorkloadError(Exception):
    """A workload has no price: which one, and why."""

    def __init__(self, position: int, error: UnratableError) -> None:
        """Keep the place, so that the caller is told where to look."""
        super().__init__(error.detail)
        self.position = position
        self.reason = error.reason
        self.detail = error.detail


def basis_of(*, customer: Customer, plan: Plan | None, at: datetime) -> Basis:
    """Return the prices of a customer on its plan, or on another one.

    On another plan it keeps the terms that it has of its own.
    """
    account = find_accounts([customer.external_id])[customer.external_id]
    return Basis(plan or customer.plan, at, account)


def estimate_workloads(
    *, basis: Basis, workloads: Sequence[Workload], days: int
) -> CostEstimate:
    """Price described workloads over a number of days and propose a pack.

    :raises UnpricedWorkloadError: if one of them has no price.
    """
    estimates = tuple(
        _estimate(basis, each, days, position)
        for position, each in enumerate(workloads)
    )
    amount = total(each.amount for each in estimates)
    return CostEstimate(
        basis=basis,
        days=days,
        workloads=estimates,
        amount=amount,
        pack=propose_pack(currency=basis.currency, amount=amount, days=days),
    )


def _estimate(
    basis: Basis, workload: Workload, days: int, position: int
) -> WorkloadEstimate:
    calls = WIDE.multiply(workload.calls_per_day, Decimal(days))
    try:
        estimate = estimate_calls(
            find_card(basis, workload.model),
            workload.model,
            workload.properties,
            calls,
            at=basis.at,
            terms=terms_of(basis),
        )
    except UnratableError as error:
        raise UnpricedWorkloadError(position, error) from error
    return WorkloadEstimate(
        workload=workload,
        calls=calls,
        amount=estimate.amount,
        per_call=exact(WIDE.divide(estimate.amount, calls)) if calls else ZERO,
        charges=(
            *(_as_charge(line, basis.currency) for line in estimate.lines),
            *map(_as_bound, estimate.bounds),
        ),
        depends_on_time=estimate.depends_on_time,
    )


def _as_charge(line: ChargeLine, currency: str) -> EstimatedCharge:
    explanation = explain(line, currency)
    return EstimatedCharge(line.dimension, line.quantity, line.amount, explanation)


def _as_bound(bound: Bound) -> EstimatedCharge:
    which = "least" if bound.amount > 0 else "most"
    explanation = f"The {which} that a period costs."
    return EstimatedCharge(bound.dimension, ZERO, bound.amount, explanation)


def find_card(basis: Basis, model: str) -> CompiledCard:
    """Return the prices of a model: the customer's own, or else the plan's.

    :raises UnratableError: if no version is in force.
    """
    cards = list_cards(basis)
    return next((card for card in cards if card.find_model(model)), cards[-1])


def list_cards(basis: Basis) -> list[CompiledCard]:
    """Return the prices that are in force, the customer's own before the plan's.

    :raises UnratableError: if there are none.
    """
    own = basis.account.agreed_at(basis.at).rate_card_id if basis.account else None
    ids = [card for card in (own, basis.plan.rate_card_id) if card is not None]
    book = PriceBook(ids)
    versions = [book.find_version(card, basis.at) for card in ids]
    cards = [compiled_version(version) for version in versions if version is not None]
    if not cards:
        detail = f"The rate card has no version for {basis.at:%Y-%m-%d %H:%M} UTC."
        raise UnratableError(Reason.NO_VERSION, detail)
    return cards


def terms_of(basis: Basis) -> Terms:
    """Return what prices depend on beside the card."""
    waives = basis.plan.waives_failed_calls
    if basis.account is None:
        return Terms(waives_failed_calls=waives)
    return Terms(basis.account.agreed_at(basis.at).discounts, waives)


def propose_pack(*, currency: str, amount: Decimal, days: int) -> PackProposal | None:
    """Return the cheapest pack that pays for an amount, or else several of the largest.

    An amount of nothing needs no pack; a currency may have none for sale.
    """
    for_sale = CreditPack.objects.filter(is_active=True, currency=currency)
    packs = sorted(for_sale, key=lambda pack: (pack.price, pack.pk))
    if not packs or not amount:
        return None
    enough = (pack for pack in packs if _credits(pack) >= amount)
    pack = next(enough, None) or max(packs, key=_credits)
    count = WIDE.divide(amount, _credits(pack)).to_integral_value(ROUND_CEILING)
    credits = WIDE.multiply(_credits(pack), count)
    per_day = WIDE.divide(amount, Decimal(days))
    lasts = int(WIDE.divide(credits, per_day).to_integral_value(ROUND_FLOOR))
    return PackProposal(
        pack=pack,
        count=int(count),
        price=WIDE.multiply(pack.price, count),
        credits=credits,
        lasts_days=min(lasts, pack.validity_days) if pack.validity_days else lasts,
    )


def _credits(pack: CreditPack) -> Decimal:
    """Return all that a pack grants."""
    return WIDE.add(pack.credits, pack.bonus_credits)
