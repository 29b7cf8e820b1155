"""Whether an invoice was paid, and what its provider said of it."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models import Customer
from invoices.models.asking import AskedAbout
from invoices.models.invoices import Invoice
from invoices.triggers import KEEP_SUCCEEDED, keep_terms
from ledger.models import ExactDecimalField, is_number


class PaymentMethod(models.Model):
    """A card that a customer let us keep at a provider, to charge it again unasked."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="payment_methods"
    )
    provider = models.CharField(max_length=32)
    # What the provider calls the customer and the card.
    provider_customer = models.CharField(max_length=200)
    reference = models.CharField(max_length=200)
    label = models.CharField(max_length=100, help_text="such as: Visa ending in 4242")
    removed_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "provider", "reference"],
                name="invoices_paymentmethod_once_per_customer",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class PaymentStatus(models.TextChoices):
    """How far a payment got."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Payment(AskedAbout):
    """One attempt to pay an invoice at a provider; kept as it is once it succeeded."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="payments"
    )
    provider = models.CharField(max_length=32)
    # Our name for it, which its webhooks say; and the key by which it is made once.
    reference = models.CharField(max_length=200)
    # What the provider calls the page, and the payment once it was made.
    checkout_reference = models.CharField(max_length=200, blank=True, db_default="")
    provider_reference = models.CharField(
        max_length=200, blank=True, db_default="", db_index=True
    )
    # Where the page leads back to: asking twice must ask the same.
    return_url = models.CharField(max_length=500, blank=True, db_default="")
    # Where our own page, if that is where it leads back to, leads on to.
    leads_to = models.CharField(max_length=500, blank=True, db_default="")
    saves_method = models.BooleanField(
        default=False,
        db_default=False,
        help_text="the card is kept, for automatic top-ups",
    )
    # Charged without the customer, who let us keep it.
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, null=True)
    currency = models.CharField(max_length=3)
    amount = ExactDecimalField()
    status = models.CharField(
        max_length=16, choices=PaymentStatus.choices, default=PaymentStatus.PENDING
    )
    failure = models.CharField(max_length=200, blank=True, db_default="")
    # What its provider last said to have given back, whoever asked for it.
    refunded_at_provider = ExactDecimalField(default=0, db_default=0)
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
            models.CheckConstraint(
                condition=Q(
                    refunded_at_provider__gte=0, refunded_at_provider__lte=F("amount")
                ),
                name="invoices_payment_refunded_within_amount",
            ),
        ]
        indexes = [
            # Read by the sweep that asks what became of them.
            models.Index(
                fields=["started_at"],
                condition=Q(status=PaymentStatus.PENDING),
                name="invoices_payment_pending",
            ),
        ]
        triggers = [
            KEEP_SUCCEEDED,
            keep_terms(
                "invoice_id",
                "provider",
                "reference",
                "currency",
                "amount",
                "started_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.reference}"
