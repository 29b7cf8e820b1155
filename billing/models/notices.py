"""What customers want to be told of their credits, and what they were told."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.customers import Customer
from ledger.models import ExactDecimalField, is_number


class AlertPurpose(models.TextChoices):
    """What follows when a balance falls below a threshold."""

    MAIL = "mail"
    # Credits are bought: see `invoices.AutoTopUp`.
    TOP_UP = "top_up", "Auto top-up"


class BalanceAlert(models.Model):
    """A threshold that a customer set; it is crossed once until credits rise again.

    Armed while the spendable credits are at the threshold or above it. The database
    row changes under the wallet's lock alone.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="alerts"
    )
    purpose = models.CharField(max_length=16, choices=AlertPurpose.choices)
    threshold = ExactDecimalField()
    is_armed = models.BooleanField(default=True)
    # How often it was crossed, and when last.
    crossings = models.PositiveIntegerField(default=0)
    crossed_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "purpose", "threshold"],
                name="billing_balancealert_once_per_customer_and_purpose",
            ),
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(purpose=AlertPurpose.TOP_UP),
                name="billing_balancealert_one_top_up_per_customer",
            ),
            models.CheckConstraint(
                condition=Q(threshold__gte=0) & is_number("threshold"),
                name="billing_balancealert_threshold_not_negative",
            ),
        ]
        indexes = [
            # Read by the sweep that buys credits.
            models.Index(
                fields=["customer"],
                condition=Q(purpose=AlertPurpose.TOP_UP, is_armed=False),
                name="billing_balancealert_crossed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} alert of {self.customer}"


class NoticeKind(models.TextChoices):
    """What a customer is told."""

    LOW_BALANCE = "low_balance", "Low balance"
    EXPIRY = "expiry", "Credits expire soon"
    TOP_UP_BOUGHT = "top_up_bought", "Auto top-up bought credits"
    TOP_UP_FAILED = "top_up_failed", "Auto top-up failed"
    TOP_UP_OFF = "top_up_off", "Auto top-up was switched off"
    TOP_UP_CAPPED = "top_up_capped", "Auto top-up would exceed its monthly maximum"
    TOP_UP_CHANGED = "top_up_changed", "Auto top-up was agreed to or changed"
    # Taken for money that went back, or put back since a bank let us keep it.
    CREDITS_RETURNED = "credits_returned", "Credits were refunded or disputed"


class Notice(models.Model):
    """A mail to a customer, written down with its cause and sent once."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="notices"
    )
    kind = models.CharField(max_length=32, choices=NoticeKind.choices)
    # What it is about; for the same cause there is one notice.
    reference = models.CharField(max_length=200)
    facts = models.JSONField(default=dict)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True)
    # How often it was tried in vain, and until when it is leased or waits.
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    retry_at = models.DateTimeField(null=True)
    # When an operator decided that it is sent no more.
    given_up_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind", "reference"],
                name="billing_notice_once_per_cause",
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(given_up_at__isnull=True),
                name="billing_notice_sent_or_given_up",
            ),
        ]
        indexes = [
            # Read by the task that sends them.
            models.Index(
                fields=["id"],
                condition=Q(sent_at__isnull=True),
                name="billing_notice_unsent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.reference}"
