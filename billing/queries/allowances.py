"""What customers may use beyond their credits, by their plans. Nothing here writes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from billing.models import Customer, LimitName
from billing.models.plans import AtZero, bills_uncovered_usage
from ledger.money import WIDE, ZERO
from ledger.queries import Balance, get_balance


class CreditWarning(StrEnum):
    """What a caller should know of a customer's credits."""

    CREDITS_EXHAUSTED = "credits_exhausted"
    CREDIT_LIMIT_EXCEEDED = "credit_limit_exceeded"
    # Credits are used up, and what is used now will be billed.
    OVERAGE = "overage"


class Shortage(StrEnum):
    """What a customer's next calls meet whose credits are used up."""

    # They are refused until credits are there.
    REFUSED = "refused"
    # So they are, since as much was used beyond the credits as the plan allows.
    LIMIT_REACHED = "limit_reached"
    # They go on, and stay on the wallet for the next purchase to settle.
    OWED = "owed"
    # They go on, and are billed.
    BILLED = "billed"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a plan lets a customer use beyond its credits.

    Where the plan bills such usage, up to the wallet's credit limit; else nothing,
    though a plan that only warns stops no call.
    """

    mode: str
    at_zero: str
    credit_limit: Decimal

    @property
    def bills_uncovered_usage(self) -> bool:
        """Whether usage that no credits cover is asked for in money."""
        return bills_uncovered_usage(self.mode, self.at_zero)

    def spendable(self, available: Decimal) -> Decimal:
        """Return what may be used, in credits, where this much is available."""
        overdraft = self.credit_limit if self.bills_uncovered_usage else ZERO
        return WIDE.add(available, overdraft)

    def find_breach(self, available: Decimal) -> CreditWarning | None:
        """Return what to warn of when more was used than the plan allows, if it was."""
        if self.spendable(available) >= 0:
            return None
        if self.bills_uncovered_usage:
            return CreditWarning.CREDIT_LIMIT_EXCEEDED
        return CreditWarning.CREDITS_EXHAUSTED

    def find_warning(self, available: Decimal) -> CreditWarning | None:
        """Return what to warn of at a balance, usage that will be billed included."""
        breach = self.find_breach(available)
        if breach is None and available < 0:
            return CreditWarning.OVERAGE
        return breach

    def find_shortage(self, available: Decimal) -> Shortage | None:
        """Return what the next calls meet at a balance, if credits are used up."""
        if self.bills_uncovered_usage and self.credit_limit:
            is_over = self.spendable(available) <= 0
            used_up = Shortage.LIMIT_REACHED if is_over else Shortage.BILLED
        elif self.at_zero == AtZero.WARN and not self.bills_uncovered_usage:
            used_up = Shortage.OWED
        else:
            used_up = Shortage.REFUSED
        return used_up if available <= 0 else None

    @property
    def floor(self) -> Decimal | None:
        """What a call must leave at least; nothing where credits refuse no call."""
        if self.bills_uncovered_usage:
            return WIDE.minus(self.credit_limit)
        return ZERO if self.at_zero != AtZero.WARN else None

    @property
    def limit_source(self) -> LimitName:
        """The limit that refuses what would leave less than the floor."""
        if self.bills_uncovered_usage:
            return LimitName.CREDIT_LIMIT
        return LimitName.ACCOUNT_CREDITS


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer's balance at an instant, and what its plan allows beyond it."""

    balance: Balance
    allowance: Allowance

    @property
    def spendable(self) -> Decimal:
        """What may be used, in credits; below zero if too much was."""
        return self.allowance.spendable(self.balance.available)

    @property
    def shortage(self) -> Shortage | None:
        """What the next calls meet, if credits are used up."""
        return self.allowance.find_shortage(self.balance.available)

    @property
    def warning(self) -> CreditWarning | None:
        """What to warn of, if anything."""
        return self.allowance.find_warning(self.balance.available)


def get_standing(*, customer: Customer, at: datetime) -> Standing:
    """Return what a customer has, and what it may use, at an instant."""
    plan, limit = customer.plan, customer.wallet.credit_limit
    balance = get_balance(wallet_id=customer.wallet_id, at=at)
    return Standing(balance, Allowance(plan.mode, plan.at_zero, limit))
