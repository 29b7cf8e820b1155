"""Dated prices. A version is a draft until published, and frozen from then on."""

from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from billing.models.fields import OptionalDecimalField, WrittenDecimalField

FREEZE_PUBLISHED = pgtrigger.Trigger(
    name="frozen_once_published",
    when=pgtrigger.Before,
    operation=pgtrigger.Update | pgtrigger.Delete,
    condition=pgtrigger.Condition("OLD.published_at IS NOT NULL"),
    func="""
        RAISE EXCEPTION 'a published rate card version is frozen: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
    """,
)
FREEZE_PRICES = pgtrigger.Trigger(
    name="frozen_with_its_version",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
    declare=[("frozen", "boolean")],
    func="""
        -- Both: a price may no more be moved into a published version than out of it.
        SELECT bool_or(published_at IS NOT NULL) INTO frozen
        FROM billing_ratecardversion WHERE id IN (OLD.version_id, NEW.version_id);
        IF frozen THEN
            RAISE EXCEPTION 'prices of a published version are frozen: % refused', TG_OP
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    """,
)


class RateCard(models.Model):
    """A price list, in one currency, that plans refer to."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3, default="USD")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


class RateCardVersion(models.Model):
    """The prices of a card from a date on; it prices the events of its time."""

    rate_card = models.ForeignKey(
        RateCard, on_delete=models.PROTECT, related_name="versions"
    )
    number = models.PositiveIntegerField()
    effective_from = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.CharField(max_length=200, blank=True, editable=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rate_card", "number"],
                name="billing_ratecardversion_number_unique_per_card",
            ),
            models.UniqueConstraint(
                fields=["rate_card", "effective_from"],
                condition=Q(published_at__isnull=False),
                name="billing_ratecardversion_one_published_per_instant",
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True)
                | Q(effective_from__isnull=False),
                name="billing_ratecardversion_published_has_a_date",
            ),
        ]
        triggers = [FREEZE_PUBLISHED]

    def __str__(self) -> str:
        return f"{self.rate_card} v{self.number}"


class PerPeriod(models.TextChoices):
    """How a price depends on what the billing period has used so far."""

    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"


class Rate(models.Model):
    """One model's price per unit of one dimension, for the calls that meet `when`.

    The dimension "minimum" is the least that a call costs. With tiers, `price` is the
    first tier's.
    """

    version = models.ForeignKey(
        RateCardVersion, on_delete=models.PROTECT, related_name="rates"
    )
    model = models.CharField(max_length=200)
    dimension = models.CharField(max_length=64)
    unit = models.PositiveBigIntegerField()
    unit_name = models.CharField(max_length=32)
    price = WrittenDecimalField(max_digits=24, decimal_places=12)
    # Conditions by name, each with its texts; without any the rate always applies.
    when = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), blank=True
    )
    per_period = models.CharField(
        max_length=16, choices=PerPeriod.choices, blank=True, db_default=""
    )
    free_per_period = WrittenDecimalField(
        max_digits=30, decimal_places=18, default=Decimal(0), db_default=Decimal(0)
    )

    # What a period costs in the end, no less and no more; settled when it closes.
    minimum_per_period = OptionalDecimalField(
        max_digits=24, decimal_places=12, null=True, blank=True
    )
    maximum_per_period = OptionalDecimalField(
        max_digits=24, decimal_places=12, null=True, blank=True
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(minimum_per_period__isnull=True)
                    | Q(minimum_per_period__gte=0, minimum_per_period__lt=10**12)
                )
                & (
                    Q(maximum_per_period__isnull=True)
                    | Q(maximum_per_period__gte=0, maximum_per_period__lt=10**12)
                ),
                name="billing_rate_period_bounds_not_negative",
            ),
            models.UniqueConstraint(
                fields=["version", "model", "dimension", "when"],
                name="billing_rate_one_per_model_dimension_and_condition",
            ),
            models.CheckConstraint(
                condition=Q(free_per_period__gte=0, free_per_period__lt=10**12),
                name="billing_rate_free_per_period_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(per_period__in=["", *PerPeriod.values])
                & (~Q(per_period="") | Q(free_per_period=0)),
                name="billing_rate_free_units_have_a_period",
            ),
            models.CheckConstraint(
                condition=Q(price__gte=0, price__lt=10**12),
                name="billing_rate_price_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(unit__gt=0), name="billing_rate_unit_positive"
            ),
        ]
        triggers = [FREEZE_PRICES]

    def __str__(self) -> str:
        return f"{self.model} {self.dimension}"


class RateTier(models.Model):
    """The price of a rate for the units of a period up to a bound, included."""

    version = models.ForeignKey(
        RateCardVersion, on_delete=models.PROTECT, related_name="tiers"
    )
    rate = models.ForeignKey(Rate, on_delete=models.PROTECT, related_name="tiers")
    position = models.PositiveSmallIntegerField()
    up_to = OptionalDecimalField(max_digits=30, decimal_places=18, null=True)
    price = WrittenDecimalField(max_digits=24, decimal_places=12)
    # Due once, when the first unit of a period falls into the tier.
    flat = WrittenDecimalField(max_digits=24, decimal_places=12, default=Decimal(0))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rate", "position"], name="billing_ratetier_one_per_position"
            ),
            models.CheckConstraint(
                condition=Q(position__gt=0)
                & Q(price__gte=0, price__lt=10**12)
                & Q(flat__gte=0, flat__lt=10**12),
                name="billing_ratetier_prices_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(up_to__isnull=True) | Q(up_to__gt=0, up_to__lt=10**12),
                name="billing_ratetier_bound_positive",
            ),
        ]
        triggers = [FREEZE_PRICES]

    def __str__(self) -> str:
        return f"{self.rate} tier {self.position}"


class ContextBand(models.Model):
    """All rates of a call whose context ends at a bound are multiplied by this.

    The bound is `max_tokens`, included, or `below_tokens`, not included; without either
    the band never ends.
    """

    version = models.ForeignKey(
        RateCardVersion, on_delete=models.PROTECT, related_name="bands"
    )
    model = models.CharField(max_length=200)
    max_tokens = models.PositiveBigIntegerField(null=True)
    below_tokens = models.PositiveBigIntegerField(null=True)
    multiplier = WrittenDecimalField(max_digits=12, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "model", "max_tokens", "below_tokens"],
                nulls_distinct=False,
                name="billing_contextband_bound_unique_per_model",
            ),
            models.CheckConstraint(
                condition=Q(max_tokens__isnull=True) | Q(below_tokens__isnull=True),
                name="billing_contextband_has_one_bound",
            ),
            models.CheckConstraint(
                condition=Q(multiplier__gt=0, multiplier__lt=10**6),
                name="billing_contextband_multiplier_positive",
            ),
        ]
        triggers = [FREEZE_PRICES]

    def __str__(self) -> str:
        return f"{self.model} {self.words}"

    @property
    def words(self) -> str:
        """Which contexts it holds: "up to 8,192 tokens", or of any length."""
        if self.max_tokens is not None:
            return f"up to {self.max_tokens:,} tokens"
        if self.below_tokens is not None:
            return f"below {self.below_tokens:,} tokens"
        return "of any more tokens"
