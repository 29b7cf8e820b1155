"""What is owed for a period or a pack, and whether it was paid."""

from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models import ContextBand, CreditPack, Customer, Rate
from billing.models.fields import WrittenDecimalField
from billing.periods import Period
from invoices.triggers import (
    BEGIN_AS_DRAFT,
    FREEZE_FINAL,
    FREEZE_WITH_INVOICE,
    KEEP_SUCCEEDED,
)
from ledger.append_only import AppendOnly
from ledger.models import CreditLot, ExactDecimalField, is_number


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
                condition=Q(kind=Kind.PURCHASE, pack__isnull=False)
                | Q(kind=Kind.USAGE, period_start__lt=F("period_end")),
                name="invoices_invoice_has_a_pack_or_a_period",
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


class LineKind(models.TextChoices):
    """What a line charges for."""

    USAGE = "usage"
    FEE = "fee"
    PACK = "pack"
    # What a volume price takes back, or asks for, once the period's usage is known.
    TRUE_UP = "true_up", "true-up"
    # Calls of an earlier invoice that were taken back.
    ADJUSTMENT = "adjustment"


# The lines that are the sums of calls.
CALL_LINES = (LineKind.USAGE, LineKind.ADJUSTMENT)


class InvoiceLine(models.Model):
    """One model, rate and band of a period's usage; or a fee; or a pack.

    Usage in another tier or at another discount is on another line. `exact_amount` is
    the sum of its calls to the last digit, `amount` what is billed.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=LineKind.choices)
    description = models.CharField(max_length=400)
    model = models.CharField(max_length=200, blank=True)
    rate = models.ForeignKey(Rate, on_delete=models.PROTECT, null=True)
    band = models.ForeignKey(ContextBand, on_delete=models.PROTECT, null=True)
    tier = models.PositiveSmallIntegerField(null=True)
    discount = WrittenDecimalField(
        max_digits=30, decimal_places=18, default=Decimal(1), db_default=Decimal(1)
    )
    # The period of the earlier invoice that an adjustment corrects.
    corrects = models.DateTimeField(null=True)
    calls = models.BigIntegerField(default=0)
    quantity = ExactDecimalField(default=1)
    exact_amount = ExactDecimalField()
    amount = ExactDecimalField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "position"],
                name="invoices_invoiceline_position_unique_per_invoice",
            ),
            models.UniqueConstraint(
                fields=[
                    "invoice",
                    "kind",
                    "model",
                    "rate",
                    "band",
                    "tier",
                    "discount",
                    "corrects",
                ],
                condition=Q(rate__isnull=False),
                nulls_distinct=False,
                name="invoices_invoiceline_one_per_price",
            ),
        ]
        triggers = [FREEZE_WITH_INVOICE]

    def __str__(self) -> str:
        return self.description


class AppliedCredit(models.Model):
    """What one lot paid of an invoice's usage, exactly."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="applied_credits"
    )
    lot = models.ForeignKey(CreditLot, on_delete=models.PROTECT)
    amount = ExactDecimalField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "lot"],
                name="invoices_appliedcredit_one_per_invoice_and_lot",
            ),
        ]
        triggers = [FREEZE_WITH_INVOICE]

    def __str__(self) -> str:
        return f"{self.lot} on {self.invoice}"


class PaymentStatus(models.TextChoices):
    """How far a payment got."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Payment(models.Model):
    """One attempt to pay an invoice at a provider; kept as it is once it succeeded."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="payments"
    )
    provider = models.CharField(max_length=32)
    # The provider's name for the checkout; ours to match its webhook by.
    reference = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    amount = ExactDecimalField()
    status = models.CharField(
        max_length=16, choices=PaymentStatus.choices, default=PaymentStatus.PENDING
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "reference"],
                name="invoices_payment_reference_unique_per_provider",
            ),
            models.UniqueConstraint(
                fields=["invoice", "provider"],
                condition=Q(status=PaymentStatus.PENDING),
                name="invoices_payment_one_pending_per_invoice_and_provider",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0) & is_number("amount"),
                name="invoices_payment_amount_positive",
            ),
        ]
        triggers = [KEEP_SUCCEEDED]

    def __str__(self) -> str:
        return f"{self.provider} {self.reference}"


class ProviderEvent(AppendOnly):
    """A payment provider's webhook, stored before it is acted on."""

    provider = models.CharField(max_length=32)
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=100)
    payload = models.JSONField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(AppendOnly.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "event_id"],
                name="invoices_providerevent_once_per_provider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
