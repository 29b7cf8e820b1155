"""What is taken back of recorded usage. History: added to, never changed."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.customers import Customer
from ledger.append_only import AppendOnly
from ledger.models import ExactDecimalField, is_number


class CorrectionKind(models.TextChoices):
    """Whether an event is taken back, or replaced by another."""

    VOID = "void"
    AMEND = "amend", "amendment"


class Correction(AppendOnly):
    """The whole of an event taken back: its charges, and the credits that paid them.

    An amended event is replaced by another one, under a key of its own.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16, choices=CorrectionKind.choices)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="corrections"
    )
    # Its event's id and time, where to look for it: events are partitioned.
    event_id = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    # The event that stands instead.
    replacement_id = models.BigIntegerField(null=True)
    amount = ExactDecimalField(help_text="What the event had cost.")
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=200)
    # The period that takes it back: the event's own, or the open one.
    period_start = models.DateTimeField()
    # Its entries in the wallet's sequence; none if the event cost nothing.
    first_entry = models.BigIntegerField(null=True)
    last_entry = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(AppendOnly.Meta):
        constraints = [
            # Whatever is asked twice, an event is taken back once.
            models.UniqueConstraint(
                fields=["customer", "event_id"],
                name="billing_correction_one_per_event",
            ),
            models.UniqueConstraint(
                fields=["customer", "replacement_id"],
                name="billing_correction_one_per_replacement",
            ),
            models.CheckConstraint(
                condition=Q(kind=CorrectionKind.VOID, replacement_id__isnull=True)
                | Q(kind=CorrectionKind.AMEND, replacement_id__isnull=False),
                name="billing_correction_amendment_has_a_replacement",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0) & is_number("amount"),
                name="billing_correction_amount_not_negative",
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(actor=""),
                name="billing_correction_says_who_and_why",
            ),
            models.CheckConstraint(
                condition=~Q(replacement_id=F("event_id")),
                name="billing_correction_replaces_another_event",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of event {self.event_id}"

    @property
    def cause(self) -> str:
        """What its entries name as their cause."""
        return f"correction:{self.pk}"
