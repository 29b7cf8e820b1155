"""Whether an invoice was paid, and what its provider said of it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from invoices.models.invoices import Invoice
from invoices.triggers import KEEP_SUCCEEDED
from ledger.append_only import AppendOnly
from ledger.models import ExactDecimalField, is_number


class PaymentStatus(models.TextChoices):
    """How far a payment got."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Payment(models.Model):
    """One attempt to pay an invoice at a provider; kept as it is once it succeeded."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="payments"
    )
    provider = models.CharField(max_length=32)
    # The provider's name for the checkout; ours to match its webhook by.
    reference = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    amount = ExactDecimalField()
    status = models.CharField(
        max_length=16, choices=PaymentStatus.choices, default=PaymentStatus.PENDING
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "reference"],
                name="invoices_payment_reference_unique_per_provider",
            ),
            models.UniqueConstraint(
                fields=["invoice", "provider"],
                condition=Q(status=PaymentStatus.PENDING),
                name="invoices_payment_one_pending_per_invoice_and_provider",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0) & is_number("amount"),
                name="invoices_payment_amount_positive",
            ),
        ]
        triggers = [KEEP_SUCCEEDED]

    def __str__(self) -> str:
        return f"{self.provider} {self.reference}"


class ProviderEvent(AppendOnly):
    """A payment provider's webhook, stored before it is acted on."""

    provider = models.CharField(max_length=32)
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=100)
    payload = models.JSONField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(AppendOnly.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "event_id"],
                name="invoices_providerevent_once_per_provider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
