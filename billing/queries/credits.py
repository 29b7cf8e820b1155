"""Reading a customer's credits: lots, ledger and what is for sale. Nothing writes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from billing.models import CreditPack, Customer
from billing.queries.paging import Page, read_page
from billing.queries.postpaid import Unpaid, find_unpaid
from ledger.models import CreditLot, Entry, Kind
from ledger.money import ZERO
from ledger.queries import Balance, get_balance, list_entries
from ledger.stories import LotStory, get_story


class LotState(StrEnum):
    """What may be done with a lot at an instant."""

    ACTIVE = "active"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    USED_UP = "used_up"


@dataclass(frozen=True, slots=True)
class LotRow:
    """One grant of credits as its owner sees it at an instant."""

    lot: CreditLot
    state: LotState

    @property
    def is_unswept(self) -> bool:
        """Whether it has ended with credits that the sweep is yet to take."""
        return self.state is LotState.EXPIRED and self.lot.remaining > 0

    @property
    def remaining(self) -> Decimal:
        """What may still be spent; an expired lot has nothing, swept or not."""
        return ZERO if self.state is LotState.EXPIRED else self.lot.remaining


@dataclass(frozen=True, slots=True)
class Credits:
    """A customer's credits: what is left, where it went, and what is for sale.

    `kind` is that of the entries shown, if not all are.
    """

    balance: Balance
    unpaid: Unpaid | None
    lots: list[LotRow]
    ledger: Page[Entry]
    packs: list[CreditPack]
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class LotPage:
    """One grant of credits as its owner sees it, and what became of it."""

    row: LotRow
    story: LotStory


def get_credits(
    *,
    customer: Customer,
    at: datetime,
    before: int | None = None,
    kind: Kind | None = None,
) -> Credits:
    """Return the customer's credits, with the entries before a place in the ledger.

    Only those of a kind, if one is asked for.
    """
    wallet_id = customer.wallet_id
    lots = CreditLot.objects.filter(wallet=wallet_id).order_by("-pk")
    entries = list_entries(wallet_id=wallet_id, kind=kind)
    balance = get_balance(wallet_id=wallet_id, at=at)
    return Credits(
        balance=balance,
        unpaid=find_unpaid(customer=customer, balance=balance),
        lots=[LotRow(lot, _state(lot, at)) for lot in lots],
        ledger=read_page(entries, key="sequence", before=before),
        packs=list_packs(customer=customer),
        kind=kind,
    )


def list_packs(*, customer: Customer) -> list[CreditPack]:
    """Return the packs that a customer can buy, the cheapest first."""
    packs = CreditPack.objects.filter(is_active=True, currency=customer.wallet.currency)
    return list(packs.order_by("price", "pk"))


def find_pack(*, code: str) -> CreditPack | None:
    """Return the credit pack with a code, for sale or not."""
    return CreditPack.objects.filter(code=code).first()


def get_lot_page(
    *, customer: Customer, lot_id: int, at: datetime, before: int | None = None
) -> LotPage:
    """Return a customer's lot at an instant, with its entries before a place.

    :raises CreditLot.DoesNotExist: if the customer has no such lot.
    """
    story = get_story(wallet_id=customer.wallet_id, lot_id=lot_id, before=before)
    return LotPage(LotRow(story.lot, _state(story.lot, at)), story)


def _state(lot: CreditLot, at: datetime) -> LotState:
    if lot.expired_at or _has_lapsed(lot, at):
        return LotState.EXPIRED
    if not lot.remaining:
        return LotState.USED_UP
    return LotState.ACTIVE if lot.starts_at <= at else LotState.SCHEDULED


def _has_lapsed(lot: CreditLot, at: datetime) -> bool:
    """Tell whether a lot ended with credits in it, which the sweep is yet to take."""
    return bool(lot.remaining and lot.expires_at and lot.expires_at <= at)
