"""How much may be spent in a day or a month, and by whom that is said."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.customers import ApiKey, Customer
from ledger.models import ExactDecimalField, is_number


class CapPeriod(models.TextChoices):
    """How often what was spent is counted anew, in the customer's time zone."""

    DAY = "day"
    MONTH = "month"


class CapOwner(models.TextChoices):
    """Who set a cap, and so who may change it."""

    CUSTOMER = "customer"
    OPERATOR = "operator"


class SpendCap(models.Model):
    """The most that a customer's calls may cost in a day or a month.

    It binds all of them, or those of one API key, of one model, or of both. What a
    customer and an operator each set for the same calls both binds.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="spend_caps"
    )
    api_key = models.ForeignKey(
        ApiKey,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="spend_caps",
        verbose_name="API key",
        help_text="Empty: all of the customer's calls, with whatever key.",
    )
    model = models.CharField(
        max_length=200, blank=True, default="", help_text="Empty: every model."
    )
    period = models.CharField(max_length=16, choices=CapPeriod.choices)
    amount = ExactDecimalField(
        help_text="In the wallet's currency; 0: nothing may be spent."
    )
    set_by = models.CharField(max_length=16, choices=CapOwner.choices)
    actor = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "api_key", "model", "period", "set_by"],
                nulls_distinct=False,
                name="billing_spendcap_one_per_scope_and_owner",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0) & is_number("amount"),
                name="billing_spendcap_amount_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(period__in=CapPeriod.values),
                name="billing_spendcap_period_is_a_day_or_a_month",
            ),
            models.CheckConstraint(
                condition=Q(set_by__in=CapOwner.values),
                name="billing_spendcap_set_by_customer_or_operator",
            ),
        ]
        triggers = [
            # Another customer's key would be held back by what this one spends.
            pgtrigger.Trigger(
                name="key_is_the_customers",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert
                | pgtrigger.UpdateOf("customer_id", "api_key_id"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.Condition("NEW.api_key_id IS NOT NULL"),
                func="""
                    IF (SELECT customer_id FROM billing_apikey
                        WHERE id = NEW.api_key_id) IS DISTINCT FROM NEW.customer_id
                    THEN
                        RAISE EXCEPTION 'the API key is not the customer''s'
                        USING ERRCODE = 'check_violation',
                            CONSTRAINT = 'billing_spendcap_key_of_its_customer';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_period_display()} cap of {self.customer}"
