"""What the simulated provider remembers, as a real one would on machines of its own."""

from django.db import models
from django.db.models.functions import Now

from ledger.models import ExactDecimalField


class SimulatedPayment(models.Model):
    """A payment in the simulated provider's own books, which move no money.

    `is_paid` is unknown until somebody pays or declines on its page.
    """

    reference = models.CharField(max_length=200, unique=True)
    currency = models.CharField(max_length=3)
    amount = ExactDecimalField()
    refunded = ExactDecimalField(default=0)
    # Which test card it was paid with; see `invoices.payments.simulated.Card`.
    card = models.CharField(max_length=32, blank=True)
    is_paid = models.BooleanField(null=True)
    failure = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(refunded__gte=0, refunded__lte=models.F("amount")),
                name="invoices_simulatedpayment_refunded_within_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"simulated payment {self.reference}"


class SimulatedRefund(models.Model):
    """A refund in the simulated provider's own books, made once by its reference."""

    payment = models.ForeignKey(SimulatedPayment, on_delete=models.PROTECT)
    reference = models.CharField(max_length=200, unique=True)
    amount = ExactDecimalField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"simulated refund {self.reference}"
