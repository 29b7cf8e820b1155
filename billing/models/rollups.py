"""Sums kept up to date with every batch, so that a month end need not read calls.

Every row can be rebuilt from charges and entries; `verify` does so and compares.
"""

from decimal import Decimal

from django.db import models

from billing.models.customers import ApiKey, Customer
from billing.models.fields import WrittenDecimalField
from billing.models.rate_cards import ContextBand, Rate
from ledger.models import CreditLot, SumField


class UsageRollup(models.Model):
    """A customer's usage on one day, at one rate, billed in one period.

    Usage in another band or tier, or at another discount, is another row.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    period_start = models.DateTimeField()
    # The day in the customer's time zone on which the calls happened.
    day = models.DateField()
    model = models.CharField(max_length=200)
    rate = models.ForeignKey(
        Rate, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    band = models.ForeignKey(
        ContextBand,
        on_delete=models.PROTECT,
        db_index=False,
        null=True,
        related_name="+",
    )
    tier = models.PositiveSmallIntegerField(null=True)
    # What is left to pay: 0.9 after 10%.
    discount = WrittenDecimalField(
        max_digits=30, decimal_places=18, default=Decimal(1), db_default=Decimal(1)
    )
    # The invoiced period whose calls are taken back here.
    corrects = models.DateTimeField(null=True)
    calls = models.BigIntegerField()
    quantity = SumField()
    amount = SumField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "customer",
                    "period_start",
                    "day",
                    "model",
                    "rate",
                    "band",
                    "tier",
                    "discount",
                    "corrects",
                ],
                nulls_distinct=False,
                name="billing_usagerollup_one_per_day_and_price",
            ),
        ]
        indexes = [
            # Read by spend caps, whatever period the calls are billed in.
            models.Index(fields=["customer", "day"], name="billing_usagerollup_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.model}"


class KeyRollup(models.Model):
    """What one API key of a customer spent on one day, by model.

    Calls that were taken back are not counted. Usage without a key is in none.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    api_key = models.ForeignKey(
        ApiKey, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    # The day in the customer's time zone on which the calls happened.
    day = models.DateField()
    model = models.CharField(max_length=200)
    calls = models.BigIntegerField()
    amount = SumField()

    class Meta:
        constraints = [
            # Read by spend caps too.
            models.UniqueConstraint(
                fields=["customer", "api_key", "day", "model"],
                name="billing_keyrollup_one_per_key_day_and_model",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.api_key.prefix} {self.model}"


class FundingRollup(models.Model):
    """The credits that one lot paid for a period's usage; without a lot, overdraft."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    period_start = models.DateTimeField()
    lot = models.ForeignKey(
        CreditLot, on_delete=models.PROTECT, db_index=False, null=True, related_name="+"
    )
    amount = SumField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "period_start", "lot"],
                nulls_distinct=False,
                name="billing_fundingrollup_one_per_period_and_lot",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_start:%Y-%m} {self.lot or 'overdraft'}"
