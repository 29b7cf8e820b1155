"""Whose prices an estimate is made with, and which pack would pay for it.

Nothing here writes.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from billing.models import CreditPack, Customer, Plan
from billing.pricing.rating import CompiledCard, Reason, Terms, UnratableError
from billing.queries.accounts import Account, find_accounts
from billing.queries.price_book import PriceBook, compiled_version
from ledger.money import WIDE


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
class PackProposal:
    """The packs that pay for an amount, and how many days they would last."""

    pack: CreditPack
    count: int
    price: Decimal
    credits: Decimal
    lasts_days: int | None


def basis_of(*, customer: Customer, plan: Plan | None, at: datetime) -> Basis:
    """Return the prices of a customer on its plan, or on another one.

    On another plan it keeps the terms that it has of its own.
    """
    account = find_accounts([customer.external_id])[customer.external_id]
    return Basis(plan or customer.plan, at, account)


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
