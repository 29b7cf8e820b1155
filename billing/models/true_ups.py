"""What prices by the period ask for, or give back, once its usage is known."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.customers import Customer
from billing.models.fields import WrittenDecimalField
from billing.models.rate_cards import ContextBand, Rate
from ledger.append_only import AppendOnly
from ledger.models import ExactDecimalField, is_number


class Reason(models.TextChoices):
    """Why a period's charges are not what it costs in the end."""

    # Calls were charged at the tier reached with them; all cost what the last one says.
    VOLUME = "volume", "volume price"
    # The period came to less than its rate's least, or to more than its most.
    MINIMUM = "minimum", "minimum of the period"
    MAXIMUM = "maximum", "maximum of the period"
    # A call was taken back, which gave back what it cost, at its place in the tiers.
    CORRECTION = "correction", "usage without what was taken back"


class TrueUp(AppendOnly):
    """What a rate's period costs in the end, less what its calls were charged.

    Below zero it is given back.
    """

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="true_ups"
    )
    period_start = models.DateTimeField()
    reason = models.CharField(max_length=16, choices=Reason.choices)
    model = models.CharField(max_length=200)
    rate = models.ForeignKey(Rate, on_delete=models.PROTECT, related_name="+")
    band = models.ForeignKey(
        ContextBand, on_delete=models.PROTECT, null=True, related_name="+"
    )
    discount = WrittenDecimalField(
        max_digits=30, decimal_places=18, default=Decimal(1), db_default=Decimal(1)
    )
    # The tier that all units of a volume price fall into.
    tier = models.PositiveSmallIntegerField(null=True)
    quantity = ExactDecimalField()
    charged = ExactDecimalField(help_text="What the calls were charged as they came.")
    amount = ExactDecimalField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(AppendOnly.Meta):
        verbose_name = "true-up"
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "customer",
                    "period_start",
                    "reason",
                    "model",
                    "rate",
                    "band",
                    "discount",
                ],
                nulls_distinct=False,
                name="billing_trueup_one_per_period_and_price",
            ),
            models.CheckConstraint(
                condition=is_number("quantity", "charged", "amount")
                & Q(quantity__gte=0),
                name="billing_trueup_amounts_are_numbers",
            ),
            models.CheckConstraint(
                condition=Q(reason=Reason.VOLUME, tier__isnull=False)
                | (~Q(reason=Reason.VOLUME) & Q(tier__isnull=True)),
                name="billing_trueup_volume_has_a_tier",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.period_start:%Y-%m}"
