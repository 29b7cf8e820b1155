"""Reading what customers owe who pay for usage afterwards. Nothing here writes."""

from dataclasses import dataclass
from decimal import Decimal

from billing.models import Customer
from billing.models.plans import Mode
from ledger.money import WIDE, ZERO
from ledger.queries import Balance


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What a customer has used and not paid yet, within its credit limit."""

    amount: Decimal
    credit_limit: Decimal

    @property
    def remaining(self) -> Decimal:
        """What is left of the credit limit; nothing if it is passed."""
        return max(WIDE.subtract(self.credit_limit, self.amount), ZERO)


def find_unpaid(*, customer: Customer, balance: Balance) -> Unpaid | None:
    """Return what a customer on a postpaid plan has yet to pay, invoiced or not."""
    if customer.plan.mode != Mode.POSTPAID:
        return None
    return Unpaid(balance.overdraft, customer.wallet.credit_limit)
