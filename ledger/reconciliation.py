"""Reconciling a wallet: where every credit that came in has gone. Nothing writes."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from ledger.database import one_snapshot
from ledger.lot_sums import LotSums, sum_entries
from ledger.models import CreditLot, Entry, Source, Wallet
from ledger.money import WIDE, total


@dataclass(frozen=True, slots=True)
class LotRow:
    """One lot with the sums of its entries."""

    lot: CreditLot
    sums: LotSums

    @property
    def is_equal(self) -> bool:
        """Whether the entries say what the lot says it granted and holds."""
        granted, remaining = self.lot.granted, self.lot.remaining
        return (self.sums.granted, self.sums.left) == (granted, remaining)

    @property
    def money_back(self) -> Decimal:
        """What the refunded credits had cost."""
        paid = WIDE.multiply(self.sums.refunded.copy_negate(), self.lot.price_paid)
        return WIDE.divide(paid, self.lot.granted)


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
        came = (self.purchased, self.promotional, self.settled)
        return total((*came, self.consumed, self.expired, self.refunded))

    @property
    def is_equal(self) -> bool:
        """Whether every lot and the balance are what the entries come to."""
        return self.left == self.wallet.balance and all(
            row.is_equal for row in self.lots
        )

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
