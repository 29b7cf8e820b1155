"""Calls that admission refused, added up by the hour: who was limited, and by what.

Nothing financial: what a refusal would have cost is an estimate, and sums that a lost
Redis had not handed over yet are not made up for.
"""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.customers import Customer
from ledger.models import SumField, is_number

_HOUR = timedelta(hours=1)


class LimitName(models.TextChoices):
    """Which limit refuses a call: of credits, a cap on spending, or a rate."""

    ACCOUNT_CREDITS = "account_credits", "account's credits"
    CREDIT_LIMIT = "credit_limit", "credit limit"
    KEY_LIMIT = "key_limit", "API key's cap"
    SPEND_CAP = "spend_cap", "spend cap"
    REQUESTS = "requests", "requests per minute"
    TOKENS = "tokens", "tokens per minute"
    CONCURRENT_REQUESTS = "concurrent_requests", "calls at once"

    @property
    def is_cap(self) -> bool:
        """Whether it is the customer's own choice, or an operator's."""
        return self in CAPS

    @property
    def is_rate(self) -> bool:
        """Whether waiting helps."""
        return self in RATES


CAPS = (LimitName.KEY_LIMIT, LimitName.SPEND_CAP)
# What a higher tier raises; the others are about money.
RATES = (LimitName.REQUESTS, LimitName.TOKENS, LimitName.CONCURRENT_REQUESTS)


class RefusalRollup(models.Model):
    """A customer's calls of one model that one limit refused in an hour, in UTC.

    Tokens are what was asked for: the input and the most output. The amount is what the
    calls would have cost by their estimates.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    hour = models.DateTimeField()
    model = models.CharField(max_length=200, blank=True)
    limit = models.CharField(max_length=32, choices=LimitName.choices)
    refusals = models.PositiveBigIntegerField()
    tokens = SumField()
    amount = SumField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "hour", "model", "limit"],
                name="billing_refusalrollup_one_per_hour_model_and_limit",
            ),
            models.CheckConstraint(
                condition=Q(limit__in=LimitName.values),
                name="billing_refusalrollup_limit_is_known",
            ),
            models.CheckConstraint(
                condition=Q(refusals__gt=0, tokens__gte=0, amount__gte=0)
                & is_number("tokens", "amount"),
                name="billing_refusalrollup_counts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    hour__minute=0,
                    hour__second=0,
                    last_at__gte=F("hour"),
                    last_at__lt=F("hour") + _HOUR,
                ),
                name="billing_refusalrollup_last_in_its_hour",
            ),
        ]
        indexes = [
            # Read by the report on limit pressure, for all customers.
            models.Index(fields=["hour"], name="billing_refusalrollup_by_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:%M} {self.limit} {self.model}".rstrip()


class RefusalCursor(models.Model):
    """How far the refusals in Redis are added up: one row, locked while they are.

    `stream` names the stream that `last_id` is of. A stream that was lost and began
    anew has another name, and is read from its beginning.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stream = models.CharField(max_length=64, blank=True)
    last_id = models.CharField(max_length=64, default="0-0")
    rolled_up_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(id=1), name="billing_refusalcursor_one_row"
            ),
            models.CheckConstraint(
                condition=Q(last_id__regex=r"^[0-9]{1,20}-[0-9]{1,20}$"),
                name="billing_refusalcursor_last_id_is_of_a_stream",
            ),
        ]

    def __str__(self) -> str:
        return self.last_id
