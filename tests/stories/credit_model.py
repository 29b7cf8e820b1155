"""A bookkeeper with paper: what a customer's credits have to be, in plain fractions.

It shares no code with the ledger, and knows nothing of tables.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor

CENT = Fraction(1, 100)
ATOM = Fraction(1, 10**18)
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class Lot:
    """One grant of credits."""

    name: str
    is_paid: bool
    granted: Fraction
    starts_at: datetime
    expires_at: datetime | None
    priority: int = 0
    remaining: Fraction = Fraction(0)
    expired: Fraction = Fraction(0)
    is_swept: bool = False

    @property
    def ends(self) -> datetime:
        return self.expires_at or FOR_EVER

    @property
    def rank(self) -> tuple[int, bool, datetime]:
        return self.priority, self.is_paid, self.ends

    def covers(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends

    def expire(self) -> None:
        self.expired += self.remaining
        self.remaining, self.is_swept = Fraction(0), True


Parts = list[tuple[Lot | None, Fraction]]


@dataclass
class Purchase:
    """A paid lot with its bonus, and what went back of its money and its credits."""

    paid: Lot
    bonus: Lot | None
    price: Fraction
    refunded: Fraction = Fraction(0)
    # Paid credits that refunds took, and used ones that are owed for them.
    withdrawn: Fraction = Fraction(0)
    owed: Fraction = Fraction(0)
    frozen: Parts = field(default_factory=list)
    # What of it is owed since the dispute was lost.
    lost: Fraction = Fraction(0)
    dispute: str = ""

    @property
    def frozen_credits(self) -> Fraction:
        taken = (part for lot, part in self.frozen if lot is self.paid)
        return sum(taken, Fraction(0))

    @property
    def used(self) -> Fraction:
        """What was used of the paid credits, or has expired."""
        gone = self.withdrawn + self.frozen_credits
        return self.paid.granted - self.paid.remaining - gone

    @property
    def returned(self) -> Fraction:
        held = self.price if self.dispute in ("open", "lost") else 0
        return min(self.price, self.refunded + held)

    def worth(self, credits: Fraction) -> Fraction:
        return floor(credits * self.price / self.paid.granted / CENT) * CENT

    def credits_for(self, money: Fraction) -> Fraction:
        exactly = money * self.paid.granted / self.price
        return min(ceil(exactly / ATOM) * ATOM, self.paid.granted)

    def owed_for(self, credits: Fraction) -> Fraction:
        """Return how many credits were used, and are not owed already."""
        spent = self.used - self.paid.expired - self.owed
        return max(Fraction(0), min(credits, spent))


@dataclass
class Book:
    """All credits of one customer."""

    window: timedelta
    lots: list[Lot] = field(default_factory=list)
    overdraft: Fraction = Fraction(0)

    @property
    def balance(self) -> Fraction:
        return sum((lot.remaining for lot in self.lots), Fraction(0)) - self.overdraft

    def available(self, at: datetime) -> Fraction:
        spendable = (lot.remaining for lot in self.lots if lot.covers(at))
        return sum(spendable, Fraction(0)) - self.overdraft

    def grant(self, lot: Lot, at: datetime) -> None:
        """Add a lot; what is owed is settled from it first."""
        lot.remaining = lot.granted
        if lot.covers(at):
            settled = min(max(self.overdraft, Fraction(0)), lot.granted)
            lot.remaining -= settled
            self.overdraft -= settled
        self.lots.append(lot)

    def spend(self, amount: Fraction, at: datetime) -> Parts:
        """Draw from lots in burn-down order; the rest is owed."""
        parts: Parts = []
        for lot in sorted(self.lots, key=lambda each: each.rank):
            part = min(lot.remaining, amount)
            if part and lot.covers(at):
                lot.remaining -= part
                amount -= part
                parts.append((lot, part))
        if amount:
            self.overdraft += amount
            parts.append((None, amount))
        return parts

    def undo(self, parts: Parts) -> None:
        """Put back what was taken, where it was."""
        self.amend(parts, Fraction(0), None)

    def amend(self, parts: Parts, amount: Fraction, at: datetime | None) -> Parts:
        """Put back what was drawn, draw anew, and lose what the sweep had taken."""
        for lot, part in parts:
            if lot is None:
                self.overdraft -= part
            else:
                lot.remaining += part
        drawn = self.spend(amount, at) if at else []
        for lot, _ in parts:
            if lot and lot.is_swept:
                lot.expire()
        return drawn

    def sweep(self, now: datetime) -> None:
        """Take what is left of lots that ended a settlement window ago."""
        for lot in self.lots:
            if lot.remaining and lot.ends <= now - self.window:
                lot.expire()

    def refundable(self, purchase: Purchase, now: datetime) -> Fraction:
        """Return the money that may go back: for what is unused, and owed to nobody."""
        paid, bonus = purchase.paid, purchase.bonus
        if purchase.dispute == "open" or paid.ends <= now:
            return Fraction(0)
        unused = paid.granted - purchase.used
        money = purchase.worth(unused) - purchase.returned
        voided = bonus.remaining if bonus and bonus.ends > now else Fraction(0)
        allowed = self.available(now) - voided
        if allowed < paid.remaining:
            money = min(money, purchase.worth(max(Fraction(0), allowed)))
        return max(Fraction(0), money)

    def refund(self, purchase: Purchase, money: Fraction, now: datetime) -> Parts:
        """Void the bonus, then take the credits that the money stands for."""
        bonus = purchase.bonus
        parts: Parts = []
        if bonus and bonus.remaining and bonus.ends > now:
            parts.append((bonus, bonus.remaining))
        credits = min(purchase.credits_for(money), purchase.paid.remaining)
        parts.append((purchase.paid, credits))
        self._take(parts)
        purchase.refunded += money
        purchase.withdrawn += credits
        return parts

    def fail_refund(self, purchase: Purchase, money: Fraction, parts: Parts) -> None:
        """Have a refund come to nothing."""
        self.undo(parts)
        purchase.refunded -= money
        purchase.withdrawn -= parts[-1][1]

    def refund_elsewhere(self, purchase: Purchase, money: Fraction) -> None:
        """Take what the provider gave back; what was used of it is owed."""
        paid, bonus = purchase.paid, purchase.bonus
        wanted = purchase.credits_for(money)
        credits = min(wanted, paid.remaining)
        owed = purchase.owed_for(wanted - credits)
        if bonus:
            self._take([(bonus, bonus.remaining)])
        self._take([(paid, credits)])
        self.overdraft += owed
        purchase.refunded += money
        purchase.withdrawn += credits
        purchase.owed += owed

    def freeze(self, purchase: Purchase) -> None:
        """Take off what is left of the contested money's credits."""
        self.undo(purchase.frozen)
        purchase.frozen = []
        wanted = purchase.credits_for(purchase.price - purchase.refunded)
        frozen: Parts = [(purchase.paid, min(wanted, purchase.paid.remaining))]
        if purchase.bonus:
            frozen.append((purchase.bonus, purchase.bonus.remaining))
        self._take(frozen)
        purchase.frozen = frozen

    def win(self, purchase: Purchase) -> None:
        """Have the seller win, perhaps on appeal: what was taken returns."""
        self.undo([*purchase.frozen, (None, purchase.lost)])
        purchase.frozen = []
        purchase.owed -= purchase.lost
        purchase.lost = Fraction(0)

    def lose(self, purchase: Purchase) -> None:
        """Have the payer win: what was used is owed."""
        self.freeze(purchase)
        wanted = purchase.credits_for(purchase.price - purchase.refunded)
        owed = purchase.owed_for(wanted - purchase.frozen_credits)
        self.overdraft += owed
        purchase.owed += owed
        purchase.lost += owed

    def _take(self, parts: Parts) -> None:
        for lot, part in parts:
            if lot:
                lot.remaining -= part
