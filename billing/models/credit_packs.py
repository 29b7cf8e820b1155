"""What is sold ahead of use."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from ledger.models import ExactDecimalField, is_number

# What was bought is granted by the reference of its invoice, and nothing else is.
INVOICE_PREFIX = "invoice:"
# A hundred years: credits that last longer never expire.
LONGEST_DAYS = 36525


class CreditPack(models.Model):
    """Credits at a price, with a bonus and a validity in days."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3, default="USD")
    price = ExactDecimalField()
    credits = ExactDecimalField()
    bonus_credits = ExactDecimalField(default=0)
    validity_days = models.PositiveIntegerField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gt=0, credits__gt=0, bonus_credits__gte=0)
                & is_number("price", "credits", "bonus_credits"),
                name="billing_creditpack_amounts_positive",
            ),
            # What is paid for is granted: an end that no lot may have would stop it.
            models.CheckConstraint(
                condition=Q(validity_days__isnull=True)
                | Q(validity_days__lte=LONGEST_DAYS),
                name="billing_creditpack_lasts_a_century_at_most",
                violation_error_message=f"At most {LONGEST_DAYS} days, or none.",
            ),
        ]
        triggers = [
            # What was ordered is granted when it is paid for, however much later. For
            # other terms a pack is retired and another one made.
            pgtrigger.ReadOnly(
                name="terms_stay",
                fields=[
                    "price",
                    "credits",
                    "bonus_credits",
                    "validity_days",
                    "currency",
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.name
