"""Caps as their owners set them, and what they say is spent."""

from datetime import datetime
from decimal import Decimal

from billing.models import ApiKey, CapOwner, CapPeriod, Customer, SpendCap
from billing.queries.caps import list_caps, read_spent
from billing.services.caps import set_cap
from tests import make


def cap(
    customer: Customer,
    amount: str = "1",
    *,
    period: CapPeriod = CapPeriod.DAY,
    api_key: ApiKey | None = None,
    model: str = "",
    owner: CapOwner = CapOwner.CUSTOMER,
    by: str = "ada",
) -> SpendCap:
    """Set a cap of a day on all calls, as the customer, unless told otherwise."""
    return set_cap(
        customer=customer,
        period=period,
        amount=Decimal(amount),
        api_key=api_key,
        model=model,
        owner=owner,
        by=by,
    )


def named_key(customer: Customer) -> ApiKey:
    """Make a customer's key that events may name."""
    return make.key_of(make.customer_key(customer))


def spent(customer: Customer, *, at: datetime = make.NOW) -> list[Decimal]:
    """Return what is spent of each of a customer's caps, in the order they were set."""
    caps = sorted(list_caps(customer.pk), key=lambda each: each.id)
    sums = read_spent(customer_id=customer.pk, caps=caps, at=at, zone=customer.zone)
    return [sums[each.id] for each in caps]
