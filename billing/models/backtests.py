"""What a period's real usage would cost on other prices. Nothing here is billed."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.customers import Customer
from billing.models.rate_cards import RateCardVersion
from billing.pricing.conditions import MAX_NAME
from ledger.models import SumField


class BacktestStatus(models.TextChoices):
    """How far a backtest has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Backtest(models.Model):
    """A past period's usage priced again on a version of a card, to be compared."""

    version = models.ForeignKey(
        RateCardVersion, on_delete=models.PROTECT, related_name="backtests"
    )
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    status = models.CharField(
        max_length=16, choices=BacktestStatus.choices, default=BacktestStatus.QUEUED
    )
    # Of the recorded ones; those in quarantine are not counted here.
    events_total = models.PositiveBigIntegerField(default=0)
    events_done = models.PositiveBigIntegerField(default=0)
    events_unpriced = models.PositiveBigIntegerField(default=0)
    requested_by = models.CharField(max_length=200)
    recorded_at = models.DateTimeField(db_default=Now())
    # When its planning was last queued.
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(period_start__lt=F("period_end")),
                name="billing_backtest_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(events_done__lte=F("events_total"))
                & Q(events_unpriced__lte=F("events_done")),
                name="billing_backtest_counts_no_event_twice",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[BacktestStatus.DONE, BacktestStatus.FAILED],
                    finished_at__isnull=False,
                )
                | Q(
                    status__in=[BacktestStatus.QUEUED, BacktestStatus.RUNNING],
                    finished_at__isnull=True,
                ),
                name="billing_backtest_finished_at_its_end",
            ),
        ]

    def __str__(self) -> str:
        period = f"{self.period_start:%Y-%m-%d} to {self.period_end:%Y-%m-%d}"
        return f"{self.version} on {period}"

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to be done for it."""
        return self.finished_at is not None

    @property
    def percent_done(self) -> int:
        """How much of its usage is priced again."""
        if not self.events_total:
            return 100 * self.is_finished
        return 100 * self.events_done // self.events_total


class BacktestChunk(models.Model):
    """Part of a backtest's work: usage of one customer, priced again in one go."""

    backtest = models.ForeignKey(
        Backtest, on_delete=models.PROTECT, db_index=False, related_name="chunks"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    # Only usage billed in this period, in the order in which it was recorded: what a
    # call costs depends on what the period used before.
    billed_in = models.DateTimeField(null=True)
    # As planned, and once done as counted.
    events = models.PositiveBigIntegerField()
    queued_at = models.DateTimeField()
    # How often a worker began it.
    attempts = models.PositiveSmallIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["backtest", "customer", "period_start", "billed_in"],
                nulls_distinct=False,
                name="billing_backtestchunk_one_per_usage",
            ),
        ]
        indexes = [
            # Read when a chunk is done, and by the sweep for those nobody finished.
            models.Index(
                fields=["backtest", "queued_at"],
                condition=Q(done_at__isnull=True),
                name="billing_backtestchunk_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} from {self.period_start:%Y-%m-%d %H:%M}"


class BacktestLine(models.Model):
    """A customer's calls of one model on one dimension: charged, and priced again.

    Only calls that the version prices are in it.
    """

    backtest = models.ForeignKey(
        Backtest, on_delete=models.PROTECT, db_index=False, related_name="lines"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    model = models.CharField(max_length=MAX_NAME)
    dimension = models.CharField(max_length=64)
    calls = models.BigIntegerField()
    quantity = SumField()
    before = SumField()
    after = SumField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["backtest", "customer", "model", "dimension"],
                name="billing_backtestline_one_per_model_and_dimension",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.dimension}"


class GapKind(models.TextChoices):
    """Which calls only one of both sides prices."""

    UNPRICED = "unpriced", "no longer priced"
    QUARANTINED = "quarantined", "priced from quarantine"


class BacktestGap(models.Model):
    """A customer's calls that were charged and have no price now, or the reverse."""

    backtest = models.ForeignKey(
        Backtest, on_delete=models.PROTECT, db_index=False, related_name="gaps"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    kind = models.CharField(max_length=16, choices=GapKind.choices)
    # As the calls state it, cut off where it is longer; "" if they state none.
    model = models.CharField(max_length=MAX_NAME)
    reason = models.CharField(max_length=64)
    # What one of them is told.
    detail = models.TextField()
    calls = models.BigIntegerField()
    before = SumField(default=Decimal(0))
    after = SumField(default=Decimal(0))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["backtest", "customer", "kind", "model", "reason"],
                name="billing_backtestgap_one_per_model_and_reason",
            ),
            models.CheckConstraint(
                condition=Q(kind=GapKind.UNPRICED, after=0)
                | Q(kind=GapKind.QUARANTINED, before=0),
                name="billing_backtestgap_has_one_side",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.calls} {self.model}: {self.reason}"
