"""Writing entries: lock wallets, number and chain their entries, copy them in.

Everything here runs inside the transaction of a public service.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from ledger.burn_down import OpenLot, draw, in_burn_down_order
from ledger.database import copy_rows, fetch_pipelined
from ledger.digest import entry_digest
from ledger.models import Book, CreditLot, Kind, Source
from ledger.money import WIDE, total

_LOCK = """
    SELECT id, currency, balance, sequence, digest, now()
    FROM ledger_wallet WHERE id = %s FOR UPDATE
"""
_COLUMNS = (
    "wallet_id, sequence, lot_id, book, kind, amount, balance_after,"
    " occurred_at, recorded_at, cause, reverses, actor, digest"
)


@dataclass(slots=True, frozen=True)
class Cause:
    """Why an entry is made: what happened, when, and who did it."""

    cause: str
    actor: str
    occurred_at: datetime
    reverses: int | None = None


@dataclass(slots=True)
class OpenWallet:
    """A locked wallet and the entries being added to it."""

    id: int
    currency: str
    balance: Decimal
    sequence: int
    digest: bytes
    recorded_at: datetime
    lots: list[OpenLot] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def overdraft(self) -> Decimal:
        """What was used without any lot to pay for it, in credits."""
        return WIDE.subtract(total(lot.remaining for lot in self.lots), self.balance)

    def available(self, at: datetime) -> Decimal:
        """Return what may be spent at that instant; negative when overdrawn."""
        spendable = total(lot.remaining for lot in self.lots if lot.covers(at))
        return WIDE.subtract(spendable, self.overdraft)

    def append(
        self, kind: Kind, book: Book, amount: Decimal, *, lot_id: int | None, why: Cause
    ) -> None:
        """Add one entry after the last; positive amounts add to the wallet."""
        self.balance = WIDE.add(self.balance, amount)
        self.sequence += 1
        self.digest = entry_digest(
            self.digest,
            wallet_id=self.id,
            sequence=self.sequence,
            lot_id=lot_id,
            book=book.value,
            kind=kind.value,
            amount=amount,
            balance_after=self.balance,
            occurred_at=why.occurred_at,
            recorded_at=self.recorded_at,
            cause=why.cause,
            reverses=why.reverses,
            actor=why.actor,
        )
        self.rows.append(
            (
                self.id,
                self.sequence,
                lot_id,
                book.value,
                kind.value,
                amount,
                self.balance,
                why.occurred_at,
                self.recorded_at,
                why.cause,
                why.reverses,
                why.actor,
                self.digest,
            )
        )

    def spend(
        self, amount: Decimal, why: Cause, *, kind: Kind = Kind.USAGE
    ) -> list[tuple[int | None, Decimal]]:
        """Take credits in burn-down order; what no lot covers becomes overdraft.

        Returns the parts as lot id and amount, the overdraft without a lot.
        """
        parts = list(draw(self.lots, amount, at=why.occurred_at))
        for lot_id, part in parts:
            taken = part.copy_negate()
            self.append(kind, Book.CONSUMED, taken, lot_id=lot_id, why=why)
        return parts


def lock_wallets(wallet_ids: Iterable[int]) -> dict[int, OpenWallet]:
    """Lock wallets, with their lots that hold credits, until the transaction ends."""
    # In id order, so that two batches that share wallets cannot deadlock; one
    # statement each, so that wallets may live on different machines.
    rows = fetch_pipelined(
        _LOCK, [(wallet_id,) for wallet_id in sorted(set(wallet_ids))]
    )
    wallets = {row[0]: _open_wallet(row) for row in rows}
    lots = CreditLot.objects.filter(wallet__in=wallets, remaining__gt=0)
    for lot in lots:
        wallets[lot.wallet_id].lots.append(open_lot(lot))
    for wallet in wallets.values():
        wallet.lots = in_burn_down_order(wallet.lots)
    return wallets


def _open_wallet(row: tuple[Any, ...]) -> OpenWallet:
    wallet_id, currency, balance, sequence, digest, recorded_at = row
    return OpenWallet(
        wallet_id, currency, balance, sequence, bytes(digest), recorded_at
    )


def open_lot(lot: CreditLot) -> OpenLot:
    """Return a lot as it is drawn from while its wallet is locked."""
    return OpenLot(
        id=lot.pk,
        is_paid=lot.source == Source.PURCHASE,
        priority=lot.priority,
        starts_at=lot.starts_at,
        expires_at=lot.expires_at,
        remaining=lot.remaining,
    )


def write_entries(wallets: Iterable[OpenWallet]) -> None:
    """Store the entries added to these wallets; the database moves the balances."""
    ordered = sorted(wallets, key=attrgetter("id"))
    copy_rows(
        "ledger_entry", _COLUMNS, (row for wallet in ordered for row in wallet.rows)
    )
    for wallet in ordered:
        wallet.rows = []
