"""Credits that calls in flight may still take, safe from any fault of Redis."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.customers import ApiKey, Customer
from ledger.models import ExactDecimalField, is_number


class GateLease(models.Model):
    """What the gate in Redis may hold in all of one customer's credits.

    The gate admits calls within it without asking. If Redis forgets them, the lease
    still stands until the last of them has ended.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="leases"
    )
    amount = ExactDecimalField()
    expires_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0) & is_number("amount"),
                name="billing_gatelease_amount_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"lease of {self.customer}"


class CallHold(models.Model):
    """The credits of one call that was admitted while Redis did not answer."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    request_id = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    amount = ExactDecimalField()
    model = models.CharField(max_length=200)
    api_key = models.ForeignKey(
        ApiKey, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    expires_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "request_id"],
                name="billing_callhold_request_unique_per_customer",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0) & is_number("amount"),
                name="billing_callhold_amount_not_negative",
            ),
        ]
        indexes = [
            # Read by the task that forgets holds which have ended.
            models.Index(fields=["expires_at"], name="billing_callhold_by_end"),
        ]

    def __str__(self) -> str:
        return self.request_id
