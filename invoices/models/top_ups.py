"""Buying credits by itself when they run low."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models import Customer
from invoices.models.payments import Payment, PaymentMethod
from ledger.models import ExactDecimalField, is_number


class OffBecause(models.TextChoices):
    """Why an auto top-up was switched off."""

    CUSTOMER = "customer", "you switched it off"
    CARD_REMOVED = "card_removed", "its card was removed"
    CARD_UNUSABLE = "card_unusable", "its card can no longer be charged here"
    DECLINED = "declined", "the card was declined three times in a row"
    AMOUNT = "amount", "its amount can no longer be bought"
    REFUND = "refund", "credits were refunded"
    DISPUTE = "dispute", "a payment was disputed at the bank"
    MISMATCH = "mismatch", "another amount was charged than was asked for"


class AutoTopUp(models.Model):
    """What a customer wants bought when its credits fall below a threshold.

    One purchase at a time; never more than the maximum in a calendar month (UTC). The
    row changes under the wallet's lock alone.
    """

    customer = models.OneToOneField(
        Customer, on_delete=models.PROTECT, related_name="auto_top_up"
    )
    is_on = models.BooleanField(default=True)
    threshold = ExactDecimalField()
    amount = ExactDecimalField()
    monthly_maximum = ExactDecimalField()
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT)
    pending = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, editable=False
    )
    # The card's declines since its last success.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    # Nothing is bought before, after a decline or a purchase that was not enough.
    retry_at = models.DateTimeField(null=True, editable=False)
    # Nothing is bought before, since the monthly maximum is reached.
    capped_until = models.DateTimeField(null=True, editable=False)
    off_because = models.CharField(
        max_length=32, choices=OffBecause.choices, blank=True, editable=False
    )
    changed_by = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    threshold__gte=0,
                    amount__gt=0,
                    monthly_maximum__gte=F("amount"),
                )
                & is_number("threshold", "amount", "monthly_maximum"),
                name="invoices_autotopup_amounts_in_order",
            ),
            # One purchase ends the crossing, unless the wallet is overdrawn.
            models.CheckConstraint(
                condition=Q(threshold__lte=F("amount")),
                name="invoices_autotopup_threshold_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(is_on=True, off_because="")
                | Q(is_on=False) & ~Q(off_because=""),
                name="invoices_autotopup_off_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"auto top-up of {self.customer}"
