"""What happened and what it cost. History: added to, never changed."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.customers import ApiKey, Customer
from billing.models.fields import (
    ExactJSONField,
    OptionalDecimalField,
    WrittenDecimalField,
)
from billing.models.rate_cards import ContextBand, Rate, RateCardVersion
from ledger.append_only import AppendOnly
from ledger.models import MAX_AMOUNT, ExactDecimalField, is_number


def _history_of(to: type[models.Model] | str, **options: object) -> models.ForeignKey:  # type: ignore[type-arg]
    # Constraints and indexes of their own would cost these tables a third of their
    # speed; the claim proves the customer and `verify` proves the rest.
    return models.ForeignKey(
        to,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        related_name="+",
        **options,  # type: ignore[arg-type]
    )


class IdempotencyClaim(AppendOnly):
    """A key taken by a customer's event, for ever; it hands out the event's id."""

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    # Where to look for the event, which is partitioned by it.
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(AppendOnly.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "key"],
                name="billing_idempotencyclaim_key_unique_per_customer",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class UsageEvent(AppendOnly):
    """One API call as posted, and what it cost."""

    # The id of its claim.
    id = models.BigIntegerField(primary_key=True)
    customer = _history_of(Customer)
    # The customer's key that it is counted to, if one is known.
    api_key = _history_of(ApiKey, null=True)
    idempotency_key = models.CharField(max_length=255)
    event_name = models.CharField(max_length=100)
    model = models.CharField(max_length=200)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    properties = ExactJSONField()
    version = _history_of(RateCardVersion)
    amount = ExactDecimalField()
    # Why it costs nothing, where it does.
    waived = models.CharField(max_length=32, default="", db_default="")
    # What the caller was told was left to spend.
    balance_after = ExactDecimalField()
    # Later than the call, if it arrived when its own period was invoiced.
    period_start = models.DateTimeField()
    # Its entries in the wallet's sequence; none for a call that cost nothing.
    first_entry = models.BigIntegerField(null=True)
    last_entry = models.BigIntegerField(null=True)

    class Meta(AppendOnly.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=0) & is_number("amount"),
                name="billing_usageevent_amount_not_negative",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer", "occurred_at", "id"],
                name="billing_event_by_customer",
            ),
        ]

    def __str__(self) -> str:
        return self.idempotency_key

    @property
    def is_late(self) -> bool:
        """Whether it arrived after the period it happened in was invoiced."""
        return self.occurred_at < self.period_start


class Charge(AppendOnly):
    """One event priced on one dimension, in one tier of its rate if it has tiers.

    The amount is (billed ÷ unit × price × multiplier + flat) × discount. A charge that
    a correction takes back is another one, with the same numbers below zero.
    """

    id = models.BigAutoField(primary_key=True)
    event = _history_of(UsageEvent)
    customer = _history_of(Customer)
    rate = _history_of(Rate)
    band = _history_of(ContextBand, null=True)
    model = models.CharField(max_length=200)
    dimension = models.CharField(max_length=64)
    quantity = ExactDecimalField()
    unit = models.PositiveBigIntegerField()
    unit_name = models.CharField(max_length=32)
    unit_price = WrittenDecimalField(max_digits=24, decimal_places=12)
    multiplier = WrittenDecimalField(max_digits=12, decimal_places=6)
    # Tier 0 are the units that a period has free.
    tier = models.PositiveSmallIntegerField(null=True)
    # What is multiplied, where it is not the quantity: the units of whole packages.
    billed = OptionalDecimalField(max_digits=38, decimal_places=18, null=True)
    # Due once in the period, with the first unit in the tier.
    flat = OptionalDecimalField(max_digits=38, decimal_places=18, null=True)
    # What is left to pay: 0.9 after 10%.
    discount = WrittenDecimalField(
        max_digits=30, decimal_places=18, default=Decimal(1), db_default=Decimal(1)
    )
    amount = ExactDecimalField()
    period_start = models.DateTimeField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    # The correction that takes the event's charge back with this one, and the period
    # that it corrects, if that was invoiced and is not the one above.
    correction_id = models.BigIntegerField(null=True)
    corrects = models.DateTimeField(null=True)

    class Meta(AppendOnly.Meta):
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(correction_id__isnull=True, amount__gte=0, quantity__gte=0)
                    | Q(correction_id__isnull=False, amount__lte=0, quantity__lte=0)
                )
                & (Q(corrects__isnull=True) | Q(correction_id__isnull=False))
                & is_number("amount", "quantity"),
                name="billing_charge_negative_if_it_corrects",
            ),
            models.CheckConstraint(
                # NaN is above every number.
                condition=Q(discount__gte=0, discount__lte=1),
                name="billing_charge_discount_from_0_to_1",
            ),
            models.CheckConstraint(
                condition=is_number("billed", "flat")
                & Q(billed__gt=-MAX_AMOUNT, flat__gt=-MAX_AMOUNT),
                name="billing_charge_billed_and_flat_are_numbers",
            ),
        ]
        indexes = [
            # Read both ways: the calls of an invoice line's day, and the charges of
            # one call, whose rates and time are known.
            models.Index(
                fields=[
                    "customer",
                    "rate",
                    "band",
                    "period_start",
                    "occurred_at",
                    "event",
                ],
                name="billing_charge_by_rate",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.dimension}"


class QuarantinedEvent(models.Model):
    """An event that could not be priced: kept, visible, retried, never lost."""

    # The id of its claim, and of the event that it becomes.
    id = models.BigIntegerField(primary_key=True)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="quarantined_events"
    )
    api_key = models.ForeignKey(
        ApiKey, on_delete=models.PROTECT, db_index=False, null=True, related_name="+"
    )
    idempotency_key = models.CharField(max_length=255)
    event_name = models.CharField(max_length=100)
    occurred_at = models.DateTimeField()
    properties = ExactJSONField()
    reason = models.CharField(max_length=64)
    detail = models.TextField()
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=Q(resolved_at__isnull=True),
                name="billing_quarantine_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.idempotency_key}: {self.reason}"


class Stream(models.Model):
    """A streamed response whose chunks become one event when it closes."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    key = models.CharField(max_length=255)
    last_chunk_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    # Closed by time-out, before its final chunk and all before it were there.
    is_cut = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "key"], name="billing_stream_unique_per_customer"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True)
                | Q(closed_at__gte=F("last_chunk_at")),
                name="billing_stream_closes_after_its_last_chunk",
            ),
        ]
        indexes = [
            # Read by the sweep that cuts streams which went silent.
            models.Index(
                fields=["last_chunk_at"],
                condition=Q(closed_at__isnull=True),
                name="billing_stream_open",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class StreamChunk(AppendOnly):
    """Part of a streamed response, kept as it was posted."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="chunks")
    api_key = _history_of(ApiKey, null=True)
    sequence = models.PositiveIntegerField()
    is_final = models.BooleanField()
    fingerprint = models.BinaryField(max_length=32)
    event_name = models.CharField(max_length=100)
    occurred_at = models.DateTimeField()
    properties = ExactJSONField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta(AppendOnly.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "sequence"],
                name="billing_streamchunk_sequence_unique_per_stream",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stream} #{self.sequence}"
