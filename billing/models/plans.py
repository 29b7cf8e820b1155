"""What a customer agreed to: fee, prices, limits, and what happens at zero."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.rate_cards import RateCard
from ledger.models import ExactDecimalField, is_number
from ratelimits.models import RateLimitPolicy


class Mode(models.TextChoices):
    """How usage is paid: from credits, by invoice, or credits first."""

    PREPAID = "prepaid"
    POSTPAID = "postpaid"
    HYBRID = "hybrid"


class AtZero(models.TextChoices):
    """What a call meets when no credits are left."""

    BLOCK = "block"
    WARN = "warn"
    OVERAGE = "overage", "bill the overage"


class Plan(models.Model):
    """What a customer agreed to pay, and the limits that come with it."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3, default="USD")
    monthly_fee = ExactDecimalField(default=0)
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT)
    rate_limit_policy = models.ForeignKey(RateLimitPolicy, on_delete=models.PROTECT)
    mode = models.CharField(max_length=16, choices=Mode.choices, default=Mode.PREPAID)
    at_zero = models.CharField(
        max_length=16, choices=AtZero.choices, default=AtZero.BLOCK
    )
    waives_failed_calls = models.BooleanField(
        default=True,
        db_default=True,
        help_text="A call that failed and produced no output costs nothing.",
    )
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(monthly_fee__gte=0) & is_number("monthly_fee"),
                name="billing_plan_monthly_fee_not_negative",
            ),
        ]
        triggers = [
            # Its customers' wallets are in it.
            pgtrigger.Protect(
                name="currency_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.currency <> OLD.currency"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def bills_uncovered_usage(self) -> bool:
        """Whether usage that no credits cover is asked for in money."""
        return bills_uncovered_usage(self.mode, self.at_zero)


def bills_uncovered_usage(mode: str, at_zero: str) -> bool:
    """Tell whether plans of this kind ask for money where credits end.

    All others leave that usage on the wallet, where the next pack settles it.
    """
    return mode != Mode.PREPAID or at_zero == AtZero.OVERAGE
