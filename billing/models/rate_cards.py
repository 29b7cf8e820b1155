"""Dated prices. A version is a draft until published, and frozen from then on."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.fields import WrittenDecimalField

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


class Rate(models.Model):
    """One model's price per unit of one dimension."""

    version = models.ForeignKey(
        RateCardVersion, on_delete=models.PROTECT, related_name="rates"
    )
    model = models.CharField(max_length=200)
    dimension = models.CharField(max_length=64)
    unit = models.PositiveBigIntegerField()
    unit_name = models.CharField(max_length=32)
    price = WrittenDecimalField(max_digits=24, decimal_places=12)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "model", "dimension"],
                name="billing_rate_one_per_model_and_dimension",
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


class ContextBand(models.Model):
    """Up to this many input tokens in a call, all its rates are multiplied by this."""

    version = models.ForeignKey(
        RateCardVersion, on_delete=models.PROTECT, related_name="bands"
    )
    model = models.CharField(max_length=200)
    max_tokens = models.PositiveBigIntegerField()
    multiplier = WrittenDecimalField(max_digits=12, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "model", "max_tokens"],
                name="billing_contextband_bound_unique_per_model",
            ),
            models.CheckConstraint(
                condition=Q(multiplier__gt=0, multiplier__lt=10**6),
                name="billing_contextband_multiplier_positive",
            ),
        ]
        triggers = [FREEZE_PRICES]

    def __str__(self) -> str:
        return f"{self.model} up to {self.max_tokens:,} tokens"
