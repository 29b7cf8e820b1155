"""Setting and removing spend caps, which admission enforces."""

from decimal import Decimal

from django.db import transaction
from django.db.models.functions import Now

from billing.models import ApiKey, CapOwner, CapPeriod, Customer, SpendCap
from ledger.money import exact

# Of those that a customer set, and of those that operators set for it.
MOST_CAPS = 50
# More than any wallet holds, in units of its currency.
LARGEST_CAP = Decimal(1_000_000_000)


class CapAmountError(ValueError):
    """The amount is below zero, too large or too fine."""


class TooManyCapsError(Exception):
    """The owner has set as many caps as it may, and this would be another."""


class OtherCustomersKeyError(Exception):
    """The API key is not one of the customer's."""


class OperatorsCapError(Exception):
    """An operator set the cap, so that the customer may not remove it."""


@transaction.atomic
def set_cap(
    *,
    customer: Customer,
    period: CapPeriod,
    amount: Decimal,
    api_key: ApiKey | None = None,
    model: str = "",
    owner: CapOwner,
    by: str,
) -> SpendCap:
    """Cap what a customer's calls may cost in a day or a month; 0 allows nothing.

    It caps those of one key, or of one model, if named. It replaces the cap of the same
    calls and period that the same owner set; one of the other owner binds as well.

    :raises CapAmountError: if the amount is out of bounds.
    :raises OtherCustomersKeyError: if the key is another customer's, or a service key.
    :raises TooManyCapsError: if the owner has set fifty others.
    """
    checked = check_cap_amount(amount)
    if api_key and api_key.customer_id != customer.pk:
        raise OtherCustomersKeyError(api_key.prefix)
    # One after another, so that they are counted; usage need not wait for it.
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    cap, is_new = SpendCap.objects.update_or_create(
        customer=customer,
        api_key=api_key,
        model=model,
        period=period,
        set_by=owner,
        defaults={"amount": checked, "actor": by, "recorded_at": Now()},
    )
    if is_new:
        _check_room(customer, owner)
    return cap


@transaction.atomic
def remove_cap(*, customer: Customer, cap_id: int, owner: CapOwner) -> None:
    """Remove one of a customer's caps; operators may remove the customer's own too.

    :raises SpendCap.DoesNotExist: if the customer has none with this id.
    :raises OperatorsCapError: if it is an operator's, and the customer removes it.
    """
    cap = SpendCap.objects.get(customer=customer, pk=cap_id)
    if owner == CapOwner.CUSTOMER and cap.set_by != owner:
        message = "An operator set this cap: only an operator can remove it."
        raise OperatorsCapError(message)
    cap.delete()


def check_cap_amount(amount: Decimal) -> Decimal:
    """Return the amount of a cap as it is stored.

    :raises CapAmountError: if it is below zero, too large or too fine.
    """
    if not (amount.is_finite() and 0 <= amount <= LARGEST_CAP):
        largest = f"{LARGEST_CAP:,}"
        message = f"Choose an amount from 0 to {largest}."
        raise CapAmountError(message)
    if exact(amount) != amount:
        message = "An amount has at most 18 decimals."
        raise CapAmountError(message)
    return exact(amount)


def _check_room(customer: Customer, owner: CapOwner) -> None:
    if SpendCap.objects.filter(customer=customer, set_by=owner).count() > MOST_CAPS:
        message = f"There are {MOST_CAPS} caps: remove one first."
        raise TooManyCapsError(message)
