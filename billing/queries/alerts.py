"""Reading alerts, and what they wait for. Nothing here writes."""

from datetime import datetime

from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import AlertPurpose, BalanceAlert, Customer
from ledger.models import CreditLot, SumField
from ledger.money import ZERO


def list_alerts(*, customer: Customer) -> list[BalanceAlert]:
    """Return a customer's alerts by mail, the highest threshold first."""
    alerts = BalanceAlert.objects.filter(customer=customer, purpose=AlertPurpose.MAIL)
    return list(alerts.order_by("-threshold"))


def list_customers_to_review(*, at: datetime) -> list[int]:
    """Return the customers with an alert that time alone has crossed or armed.

    That is, whose state is not that of the credits which may be spent at an instant:
    some began or lapsed since they were last looked at.
    """
    idle = CreditLot.objects.filter(
        Q(starts_at__gt=at) | Q(expires_at__lte=at),
        wallet=OuterRef("customer__wallet"),
        remaining__gt=0,
    )
    resting = idle.values("wallet").annotate(sum=Sum("remaining")).values("sum")
    available = F("customer__wallet__balance") - Coalesce(
        Subquery(resting), ZERO, output_field=SumField()
    )
    alerts = BalanceAlert.objects.annotate(available=available)
    differing = alerts.filter(
        Q(is_armed=True, threshold__gt=F("available"))
        | Q(is_armed=False, threshold__lte=F("available"))
    )
    customers = differing.order_by("customer_id").values_list("customer_id", flat=True)
    return list(customers.distinct())
