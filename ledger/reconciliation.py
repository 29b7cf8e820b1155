"""Reconciling a wallet: where every credit that came in has gone. Nothing writes."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from ledger.database import one_snapshot
from ledger.lot_sums import LotSums, sum_entries
from ledger.models import CreditLot, Entry, Source, Wallet
from ledger.money import WIDE, as_text, total


def differ(what: str, expected: Decimal, stored: Decimal) -> list[str]:
    """Return the sentence that two amounts differ; none if they do not."""
    if expected == stored:
        return []
    return [f"{what}: {as_text(expected)} expected, {as_text(stored)} stored"]


@dataclass(frozen=True, slots=True)
class LotRow:
    """One lot with the sums of its entries."""

    lot: CreditLot
    sums: LotSums

    @property
    def differences(self) -> list[str]:
        """Say where the lot is not what its entries come to."""
        return [
            *differ(f"{self.lot}, granted", self.sums.granted, self.lot.granted),
            *differ(f"{self.lot}, remaining", self.sums.left, self.lot.remaining),
        ]

    @property
    def is_equal(self) -> bool:
        """Whether the entries say what the lot says it granted and holds."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class WalletReconciliation:
    """A wallet with all its lots, and what happened without a lot: its overdraft.

    Paid and promotional credits, less what was consumed, refunded and expired, are the
    balance. Each sum carries the sign by which it changed the balance.
    """

    wallet: Wallet
    lots: list[LotRow]
    overdraft: LotSums

    @property
    def purchased(self) -> Decimal:
        """The credits that were bought."""
        return total(
            row.sums.granted for row in self.lots if row.lot.source == Source.PURCHASE
        )

    @property
    def promotional(self) -> Decimal:
        """The credits that were given for free."""
        return total(
            row.sums.granted for row in self.lots if row.lot.source != Source.PURCHASE
        )

    @property
    def granted(self) -> Decimal:
        """All credits that came as lots."""
        return WIDE.add(self.purchased, self.promotional)

    @property
    def settled(self) -> Decimal:
        """The overdraft that money settled."""
        return self._total(lambda sums: sums.paid)

    @property
    def consumed(self) -> Decimal:
        """What was used, less what corrections gave back."""
        return self._total(lambda sums: sums.consumed)

    @property
    def expired(self) -> Decimal:
        """What expired."""
        return self._total(lambda sums: sums.expired)

    @property
    def refunded(self) -> Decimal:
        """What refunds and chargebacks took."""
        return self._total(lambda sums: sums.refunded)

    @property
    def left(self) -> Decimal:
        """What all of it comes to: the remaining credits less the overdraft."""
        taken = (self.consumed, self.expired, self.refunded)
        return total((self.granted, self.settled, *taken))

    @property
    def differences(self) -> list[str]:
        """Say which lots, or the balance, are not what the entries come to."""
        of_lots = [line for row in self.lots for line in row.differences]
        return [*of_lots, *differ("balance", self.left, self.wallet.balance)]

    @property
    def is_equal(self) -> bool:
        """Whether every lot and the balance are what the entries come to."""
        return not self.differences

    def _total(self, part: Callable[[LotSums], Decimal]) -> Decimal:
        sums = [self.overdraft, *(row.sums for row in self.lots)]
        return total(part(each) for each in sums)


def reconcile_wallet(*, wallet_id: int) -> WalletReconciliation:
    """Compare a wallet and its lots with the sums of their entries.

    :raises Wallet.DoesNotExist: if there is no such wallet.
    """
    # Of one moment, or a call that comes in between would be a difference.
    with one_snapshot():
        wallet = Wallet.objects.get(pk=wallet_id)
        lots = list(CreditLot.objects.filter(wallet=wallet).order_by("pk"))
        sums = sum_entries(Entry.objects.filter(wallet=wallet))
    nothing = LotSums()
    return WalletReconciliation(
        wallet=wallet,
        lots=[LotRow(lot, sums.get(lot.pk, nothing)) for lot in lots],
        overdraft=sums.get(None, nothing),
    )
