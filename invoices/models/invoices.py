"""What a customer owes, and the number it has."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models import CreditPack, Customer
from billing.models.fields import OptionalDecimalField
from billing.periods import Period
from invoices.triggers import (
    BEGIN_AS_DRAFT,
    FREEZE_FINAL,
)
from ledger.models import ExactDecimalField, is_number
from ledger.money import MAX_DIGITS, SCALE


class Kind(models.TextChoices):
    """What an invoice is for."""

    USAGE = "usage"
    PURCHASE = "purchase"


class Status(models.TextChoices):
    """An invoice's life: draft, open, then paid or void."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"


class NumberSeries(models.Model):
    """The last number given in a series and year; locked while the next is taken."""

    series = models.CharField(max_length=16)
    year = models.PositiveIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "number series"
        constraints = [
            models.UniqueConstraint(
                fields=["series", "year"], name="invoices_numberseries_one_per_year"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series}-{self.year}"


class Invoice(models.Model):
    """What a customer owes for a period's usage or for a credit pack.

    Amounts are rounded to the currency. Frozen by the database once it is not a draft.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="invoices"
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    status = models.CharField(
        max_length=16, choices=Status.choices, default=Status.DRAFT
    )
    number = models.CharField(max_length=32, null=True, unique=True, editable=False)  # noqa: DJ001
    currency = models.CharField(max_length=3)
    period_start = models.DateTimeField(null=True)
    period_end = models.DateTimeField(null=True)
    pack = models.ForeignKey(CreditPack, on_delete=models.PROTECT, null=True)
    # What a purchase of an amount of one's own grants, without any pack.
    credits = OptionalDecimalField(
        max_digits=MAX_DIGITS, decimal_places=SCALE, null=True
    )
    # By which a repeated order is the same order, and what it asked for.
    order_key = models.CharField(max_length=255, null=True, editable=False)  # noqa: DJ001
    order_fingerprint = models.BinaryField(max_length=32, null=True)
    # The lines' sum, as rounded, is the sum of the three below it.
    total = ExactDecimalField(default=0)
    credits_applied = ExactDecimalField(default=0)
    carried_over = ExactDecimalField(
        default=0,
        help_text="usage that no credits covered and that stays on the wallet as"
        " overdraft, settled by the next pack",
    )
    amount_due = ExactDecimalField(default=0)
    amount_paid = ExactDecimalField(default=0)
    drafted_at = models.DateTimeField()
    finalized_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    # Who voided it, and when.
    voided_at = models.DateTimeField(null=True)
    voided_by = models.CharField(max_length=200, blank=True, db_default="")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            # Whatever runs twice, a period is invoiced once.
            models.UniqueConstraint(
                fields=["customer", "period_start"],
                condition=Q(kind=Kind.USAGE) & ~Q(status=Status.VOID),
                name="invoices_invoice_one_per_customer_and_period",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.DRAFT) | Q(number__isnull=False),
                name="invoices_invoice_final_has_a_number",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.PURCHASE, pack__isnull=False, credits=None)
                | Q(kind=Kind.PURCHASE, pack__isnull=True, credits__gt=0)
                & is_number("credits")
                | Q(kind=Kind.USAGE, period_start__lt=F("period_end"), credits=None),
                name="invoices_invoice_has_a_pack_or_credits_or_a_period",
            ),
            models.UniqueConstraint(
                fields=["customer", "order_key"],
                name="invoices_invoice_order_key_once_per_customer",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount_due=F("total") - F("credits_applied") - F("carried_over")
                )
                & is_number("total", "credits_applied", "carried_over"),
                name="invoices_invoice_due_is_total_less_credits_and_carried",
            ),
            models.CheckConstraint(
                # Credits are below zero where more was taken back than was used.
                condition=Q(amount_due__gte=0, carried_over__gte=0),
                name="invoices_invoice_due_and_carried_not_negative",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.PAID) | Q(amount_paid=F("amount_due")),
                name="invoices_invoice_paid_is_what_was_due",
            ),
        ]
        triggers = [
            BEGIN_AS_DRAFT,
            FREEZE_FINAL,
            pgtrigger.FSM(
                name="status_moves_forward",
                field="status",
                transitions=[
                    ("draft", "open"),
                    ("draft", "paid"),
                    ("open", "paid"),
                    ("open", "void"),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"draft {self.pk}"

    @property
    def period(self) -> Period:
        """The billing period of a usage invoice; a purchase has none."""
        start, end = self.period_start, self.period_end
        assert start and end  # noqa: S101, PT018 - a CHECK says so.
        return Period(start, end)
