"""Reading what customers owe who pay for usage afterwards. Nothing here writes."""

from dataclasses import dataclass
from decimal import Decimal

from billing.models import Customer
from billing.models.plans import Mode
from ledger.queries import Balance


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What a customer has used and not paid yet."""

    amount: Decimal


def find_unpaid(*, customer: Customer, balance: Balance) -> Unpaid | None:
    """Return what a customer on a postpaid plan has yet to pay, invoiced or not."""
    if customer.plan.mode != Mode.POSTPAID:
        return None
    return Unpaid(balance.overdraft)
