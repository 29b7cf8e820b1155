"""Money that goes back: refunds with their credit notes, and disputes."""

from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from invoices.models.asking import AskedAbout
from invoices.models.invoices import Invoice
from invoices.models.payments import Payment
from invoices.models.refund_states import RefundKind, RefundStatus
from invoices.triggers import (
    CANCEL_WHOLE,
    KEEP_ENDED_REFUND,
    NEVER_ABOVE_PAID,
    NEVER_ABOVE_TOTAL,
    keep_terms,
)
from ledger.append_only import AppendOnly
from ledger.models import ExactDecimalField, is_number
from ledger.money import ZERO, total

_UNDECIDED = (RefundStatus.REQUESTED, RefundStatus.DECLINED)


class Refund(AskedAbout):
    """Money of one payment that goes back, for the credits that were taken for it.

    Asking for it again by the same key is the same refund. Once it succeeded it has a
    credit note; if it failed, its credits are where they were. It may fail after it had
    succeeded: its credit note is canceled then.
    """

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="refunds"
    )
    kind = models.CharField(max_length=16, choices=RefundKind.choices)
    status = models.CharField(
        max_length=16, choices=RefundStatus.choices, default=RefundStatus.REQUESTED
    )
    key = models.CharField(max_length=255)
    # Our name for it at the provider, by which it is made once.
    reference = models.CharField(max_length=200, unique=True)
    provider_reference = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3)
    amount = ExactDecimalField()
    # Taken from the lot that was bought, from its bonus, and beyond both.
    credits = ExactDecimalField(default=0)
    bonus_credits = ExactDecimalField(default=0)
    overdrawn_credits = ExactDecimalField(default=0)
    reason = models.CharField(max_length=500)
    requested_by = models.CharField(max_length=200)
    requested_at = models.DateTimeField()
    # What was allowed without a second person when it was asked for.
    approval_above = ExactDecimalField()
    approved_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    # The wallet's entries that took the credits, and when they were recorded.
    first_entry = models.BigIntegerField(null=True)
    last_entry = models.BigIntegerField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "key"], name="invoices_refund_key_once_per_payment"
            ),
            models.CheckConstraint(
                condition=Q(
                    amount__gt=0,
                    credits__gte=0,
                    bonus_credits__gte=0,
                    overdrawn_credits__gte=0,
                    approval_above__gte=0,
                )
                & is_number(
                    "amount",
                    "credits",
                    "bonus_credits",
                    "overdrawn_credits",
                    "approval_above",
                ),
                name="invoices_refund_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(status__in=_UNDECIDED)
                | ~Q(kind=RefundKind.UNUSED)
                | Q(amount__lte=F("approval_above"))
                | ~Q(approved_by="") & ~Q(approved_by=F("requested_by")),
                name="invoices_refund_large_ones_approved_by_another",
            ),
        ]
        indexes = [
            # Read by the sweep that sees them through.
            models.Index(
                fields=["status"],
                condition=Q(status__in=(RefundStatus.WITHDRAWN, RefundStatus.SENT)),
                name="invoices_refund_under_way",
            ),
        ]
        triggers = [
            NEVER_ABOVE_PAID,
            KEEP_ENDED_REFUND,
            keep_terms(
                "payment_id",
                "kind",
                "key",
                "currency",
                "amount",
                "reason",
                "requested_by",
                "requested_at",
                "approval_above",
            ),
            pgtrigger.FSM(
                name="status_moves_forward",
                field="status",
                transitions=[
                    ("requested", "declined"),
                    ("requested", "withdrawn"),
                    ("withdrawn", "sent"),
                    ("withdrawn", "succeeded"),
                    ("withdrawn", "failed"),
                    ("sent", "succeeded"),
                    ("sent", "failed"),
                    ("succeeded", "failed"),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"

    @property
    def credits_taken(self) -> Decimal:
        """All credits that are off the wallet for it; none if it failed."""
        if self.status == RefundStatus.FAILED:
            return ZERO
        parts = (self.credits, self.bonus_credits, self.overdrawn_credits)
        return total(parts)


class CreditNote(AppendOnly):
    """What takes a part of an invoice back, in writing: numbered and final.

    One that was issued for a refund which came to nothing stays, and is canceled by
    another of the same series, whose total is below zero.
    """

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="credit_notes"
    )
    refund = models.OneToOneField(
        Refund, on_delete=models.PROTECT, null=True, related_name="credit_note"
    )
    cancels = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="canceled_by"
    )
    number = models.CharField(max_length=32, unique=True)
    currency = models.CharField(max_length=3)
    total = ExactDecimalField()
    reason = models.CharField(max_length=500)
    issued_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(AppendOnly.Meta):
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(refund__isnull=False, cancels=None, total__gt=0)
                    | Q(refund=None, cancels__isnull=False, total__lt=0)
                )
                & is_number("total"),
                name="invoices_creditnote_for_a_refund_or_cancels_another",
            ),
        ]
        triggers = [*AppendOnly.Meta.triggers, NEVER_ABOVE_TOTAL, CANCEL_WHOLE]

    def __str__(self) -> str:
        return self.number

    @property
    def subject(self) -> Refund:
        """The refund that it was issued for, or that came to nothing."""
        refund = self.cancels.refund if self.cancels else self.refund
        assert refund  # noqa: S101 - as the constraint says.
        return refund

    @property
    def credits(self) -> Decimal:
        """What was taken of the lot that was bought; below zero, it is given back."""
        return self._signed(self.subject.credits)

    @property
    def bonus_credits(self) -> Decimal:
        """What was taken of its bonus."""
        return self._signed(self.subject.bonus_credits)

    @property
    def overdrawn_credits(self) -> Decimal:
        """What had been used and is owed."""
        return self._signed(self.subject.overdrawn_credits)

    def _signed(self, credits: Decimal) -> Decimal:
        return credits.copy_negate() if self.cancels_id and credits else credits


class DisputeStatus(models.TextChoices):
    """How a dispute stands."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


# The money is not ours: not yet again, or never.
HELD_BY_THE_BANK = (DisputeStatus.OPEN, DisputeStatus.LOST)


class Dispute(models.Model):
    """A payment that its payer contests at the bank: a chargeback.

    While it is open the credits left of it are frozen: they are off the wallet. Won,
    they return. Lost, what had been used of them is owed, unless it is won on appeal.
    """

    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="disputes"
    )
    reference = models.CharField(max_length=200)
    status = models.CharField(
        max_length=16, choices=DisputeStatus.choices, default=DisputeStatus.OPEN
    )
    reason = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3)
    amount = ExactDecimalField()
    credits = ExactDecimalField(default=0)
    bonus_credits = ExactDecimalField(default=0)
    # What had been used and is owed since it was lost.
    overdrawn_credits = ExactDecimalField(default=0)
    first_entry = models.BigIntegerField(null=True)
    last_entry = models.BigIntegerField(null=True)
    frozen_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "reference"],
                name="invoices_dispute_once_per_payment",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount__gt=0,
                    credits__gte=0,
                    bonus_credits__gte=0,
                    overdrawn_credits__gte=0,
                )
                & is_number("amount", "credits", "bonus_credits", "overdrawn_credits"),
                name="invoices_dispute_amounts_not_negative",
            ),
        ]
        triggers = [
            keep_terms("payment_id", "reference", "currency", "amount", "opened_at"),
            pgtrigger.FSM(
                name="status_moves_forward",
                field="status",
                transitions=[("open", "won"), ("open", "lost"), ("lost", "won")],
            ),
        ]

    def __str__(self) -> str:
        return f"dispute {self.reference}"

    @property
    def credits_taken(self) -> Decimal:
        """The credits that are off the wallet for it, used ones aside.

        Frozen until the bank has decided, and none if it was won.
        """
        if self.status == DisputeStatus.WON:
            return ZERO
        return total((self.credits, self.bonus_credits))
