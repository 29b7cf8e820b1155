"""What an invoice is made of, and which credits paid for it."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from billing.models import ContextBand, Rate
from billing.models.fields import WrittenDecimalField
from invoices.models.invoices import Invoice
from invoices.triggers import FREEZE_WITH_INVOICE
from ledger.models import CreditLot, ExactDecimalField


class LineKind(models.TextChoices):
    """What a line charges for."""

    USAGE = "usage"
    FEE = "fee"
    PACK = "pack"
    # What a volume price takes back, or asks for, once the period's usage is known.
    TRUE_UP = "true_up", "true-up"
    # Calls of an earlier invoice that were taken back.
    ADJUSTMENT = "adjustment"


# The lines that are the sums of calls.
CALL_LINES = (LineKind.USAGE, LineKind.ADJUSTMENT)


class InvoiceLine(models.Model):
    """One model, rate and band of a period's usage; or a fee; or a pack.

    Usage in another tier or at another discount is on another line. `exact_amount` is
    the sum of its calls to the last digit, `amount` what is billed.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=LineKind.choices)
    description = models.CharField(max_length=400)
    model = models.CharField(max_length=200, blank=True)
    rate = models.ForeignKey(Rate, on_delete=models.PROTECT, null=True)
    band = models.ForeignKey(ContextBand, on_delete=models.PROTECT, null=True)
    tier = models.PositiveSmallIntegerField(null=True)
    discount = WrittenDecimalField(
        max_digits=30, decimal_places=18, default=Decimal(1), db_default=Decimal(1)
    )
    # The period of the earlier invoice that an adjustment corrects.
    corrects = models.DateTimeField(null=True)
    calls = models.BigIntegerField(default=0)
    quantity = ExactDecimalField(default=1)
    exact_amount = ExactDecimalField()
    amount = ExactDecimalField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "position"],
                name="invoices_invoiceline_position_unique_per_invoice",
            ),
            models.UniqueConstraint(
                fields=[
                    "invoice",
                    "kind",
                    "model",
                    "rate",
                    "band",
                    "tier",
                    "discount",
                    "corrects",
                ],
                condition=Q(rate__isnull=False),
                nulls_distinct=False,
                name="invoices_invoiceline_one_per_price",
            ),
        ]
        triggers = [FREEZE_WITH_INVOICE]

    def __str__(self) -> str:
        return self.description

    @property
    def has_calls(self) -> bool:
        """Whether it is the sum of calls, day by day."""
        return self.kind in CALL_LINES


class AppliedCredit(models.Model):
    """What one lot paid of an invoice's usage, exactly."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="applied_credits"
    )
    lot = models.ForeignKey(CreditLot, on_delete=models.PROTECT)
    amount = ExactDecimalField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "lot"],
                name="invoices_appliedcredit_one_per_invoice_and_lot",
            ),
        ]
        triggers = [FREEZE_WITH_INVOICE]

    def __str__(self) -> str:
        return f"{self.lot} on {self.invoice}"
