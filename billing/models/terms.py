"""What a customer agreed to beside its plan, from a date on."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.customers import Customer
from billing.models.fields import WrittenDecimalField
from billing.models.rate_cards import RateCard
from ledger.append_only import AppendOnly


class Terms(AppendOnly):
    """A customer's own prices and discounts, in force until its next terms are.

    The models on `rate_card` cost what it says; all others what the plan's card says.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="terms"
    )
    effective_from = models.DateTimeField()
    rate_card = models.ForeignKey(
        RateCard, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    discount_percent = WrittenDecimalField(
        max_digits=7, decimal_places=4, default=Decimal(0)
    )
    # Percentages by model, as text; each stands instead of the general one.
    model_discounts = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(AppendOnly.Meta):
        verbose_name_plural = "terms"
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "effective_from"],
                name="billing_terms_one_per_customer_and_instant",
            ),
            models.CheckConstraint(
                condition=Q(discount_percent__gte=0, discount_percent__lte=100),
                name="billing_terms_discount_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(actor=""),
                name="billing_terms_says_who_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} from {self.effective_from:%Y-%m-%d %H:%M}"
