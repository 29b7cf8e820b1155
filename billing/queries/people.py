"""Reading who acts for whom. Nothing here writes."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied

from billing.models import Customer, Membership, User
from billing.models.customers import Role

_BUYERS = {Role.OWNER, Role.BILLING}


@dataclass(frozen=True, slots=True)
class Seat:
    """The customer that a person acts for just now, and those they could act for."""

    membership: Membership
    others: list[Membership]

    @property
    def customer(self) -> Customer:
        """Whom the person acts for."""
        return self.membership.customer

    @property
    def choices(self) -> set[int]:
        """The ids of all customers that the person may act for."""
        return {each.customer_id for each in (self.membership, *self.others)}

    @property
    def may_buy(self) -> bool:
        """Whether the person may spend the customer's money."""
        return self.membership.role in _BUYERS


def get_seat(*, user: User, customer_id: int | None = None) -> Seat:
    """Return the seat chosen by a customer's id, or else the person's first.

    :raises PermissionDenied: if the person acts for nobody.
    """
    memberships = list(
        Membership.objects.filter(user=user)
        .select_related("customer__wallet", "customer__plan")
        .order_by("pk")
    )
    if not memberships:
        raise PermissionDenied
    chosen = [each for each in memberships if each.customer_id == customer_id]
    current = (chosen or memberships)[0]
    return Seat(current, [each for each in memberships if each is not current])
