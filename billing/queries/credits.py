"""Reading a customer's credits: lots, ledger and what is for sale. Nothing writes."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.db.models import F, Sum

from billing.models import CreditPack, Customer
from billing.queries.allowances import Standing, get_standing
from billing.queries.paging import Page, read_page
from billing.queries.postpaid import Unpaid, find_unpaid
from ledger.models import CreditLot, Entry, Kind
from ledger.money import ZERO
from ledger.queries import Balance, find_last_kinds, list_entries
from ledger.stories import LotStory, get_story


class LotState(StrEnum):
    """What may be done with a lot at an instant."""

    ACTIVE = "active"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    USED_UP = "used_up"
    REFUNDED = "refunded"
    # While a payment is contested at its bank.
    FROZEN = "frozen"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class Frozen:
    """The credits of a purchase whose payment is contested at its bank."""

    number: str
    credits: Decimal


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

    standing: Standing
    unpaid: Unpaid | None
    lots: list[LotRow]
    ledger: Page[Entry]
    packs: list[CreditPack]
    frozen: list[Frozen]
    kind: Kind | None = None

    @property
    def balance(self) -> Balance:
        """The customer's credits, whatever its plan allows beyond them."""
        return self.standing.balance


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
    standing = get_standing(customer=customer, at=at)
    frozen = _list_frozen(customer)
    return Credits(
        standing=standing,
        unpaid=find_unpaid(customer=customer, balance=standing.balance),
        lots=_rows(lots, frozen, at),
        ledger=read_page(entries, key="sequence", before=before),
        packs=list_packs(customer=customer),
        frozen=frozen,
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
    frozen = [] if story.lot.remaining else _list_frozen(customer)
    [row] = _rows([story.lot], frozen, at)
    return LotPage(row, story)


def _list_frozen(customer: Customer) -> list[Frozen]:
    contested = customer.invoices.filter(payments__disputes__status="open")
    frozen = Sum(
        F("payments__disputes__credits") + F("payments__disputes__bonus_credits")
    )
    rows = contested.annotate(frozen=frozen).filter(frozen__gt=0).order_by("pk")
    found = rows.values_list("number", "frozen")
    return [Frozen(number or "", credits) for number, credits in found]


def _rows(
    lots: Iterable[CreditLot], frozen: Iterable[Frozen], at: datetime
) -> list[LotRow]:
    found = list(lots)
    empty = [lot for lot in found if not lot.remaining]
    last_kinds = find_last_kinds(empty) if empty else {}
    contested = {
        reference
        for each in frozen
        for reference in (f"invoice:{each.number}", f"invoice:{each.number}:bonus")
    }
    return [
        LotRow(lot, _state(lot, last_kinds.get(lot.pk), contested, at)) for lot in found
    ]


def _state(
    lot: CreditLot, last_kind: Kind | None, contested: Container[str], at: datetime
) -> LotState:
    if lot.expired_at or _has_lapsed(lot, at):
        return LotState.EXPIRED
    if lot.remaining:
        return LotState.ACTIVE if lot.starts_at <= at else LotState.SCHEDULED
    if last_kind is Kind.DISPUTE:
        is_open = lot.reference in contested
        return LotState.FROZEN if is_open else LotState.TAKEN_BACK
    return LotState.REFUNDED if last_kind is Kind.REFUND else LotState.USED_UP


def _has_lapsed(lot: CreditLot, at: datetime) -> bool:
    """Tell whether a lot ended with credits in it, which the sweep is yet to take."""
    return bool(lot.remaining and lot.expires_at and lot.expires_at <= at)
