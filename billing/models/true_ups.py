"""What volume prices ask for, or give back, once a period's usage is known."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.customers import Customer
from billing.models.fields import WrittenDecimalField
from billing.models.rate_cards import ContextBand, Rate
from ledger.append_only import AppendOnly
from ledger.models import ExactDecimalField, is_number


class TrueUp(AppendOnly):
    """The difference between a period's usage at its volume price and its charges.

    Calls were charged at the tier that the period had reached with them; all of them
    cost what the last tier says. Below zero it is given back.
    """

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="true_ups"
    )
    period_start = models.DateTimeField()
    model = models.CharField(max_length=200)
    rate = models.ForeignKey(Rate, on_delete=models.PROTECT, related_name="+")
    band = models.ForeignKey(
        ContextBand, on_delete=models.PROTECT, null=True, related_name="+"
    )
    discount = WrittenDecimalField(
        max_digits=30, decimal_places=18, default=Decimal(1), db_default=Decimal(1)
    )
    # The tier that all the period's units fall into.
    tier = models.PositiveSmallIntegerField()
    quantity = ExactDecimalField()
    charged = ExactDecimalField(help_text="What the calls were charged as they came.")
    amount = ExactDecimalField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(AppendOnly.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "customer",
                    "period_start",
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
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.period_start:%Y-%m}"
