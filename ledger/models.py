"""Wallets, the lots of credits in them, and the entries that move credits.

Customers are known here only as opaque references.
"""

from datetime import UTC, datetime
from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q
from django.db.models.functions import Now

from ledger.append_only import AppendOnly
from ledger.money import MAX_DIGITS, SCALE, as_text

# Credits are given and end in between: far from where dates do.
FIRST_TIME = datetime(2000, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(3000, 1, 1, tzinfo=UTC)
GENESIS = bytes(32)
MAX_AMOUNT = Decimal(10**19)
SUM_DIGITS = 100


class ExactDecimalField(models.DecimalField[Decimal, Decimal]):
    """An exact amount or quantity, as `ledger.money.exact` returns it."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", MAX_DIGITS)
        kwargs.setdefault("decimal_places", SCALE)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]


class SumField(models.DecimalField[Decimal, Decimal]):
    """A sum of exact amounts over any number of rows: it has no end to run over."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("max_digits", SUM_DIGITS)
        kwargs.setdefault("decimal_places", SCALE)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002
        return "numeric"


def is_number(*names: str) -> Q:
    """Return the condition that these amounts are numbers that can be stored.

    PostgreSQL's `numeric` takes NaN, which it sorts above every number.
    """
    return Q(*[(f"{name}__lt", MAX_AMOUNT) for name in names])


class Source(models.TextChoices):
    """Why a lot was granted."""

    PURCHASE = "purchase"
    PROMOTION = "promotion"
    TRIAL = "trial"
    ADJUSTMENT = "adjustment"


class Kind(models.TextChoices):
    """What an entry does."""

    GRANT = "grant"
    USAGE = "usage"
    EXPIRY = "expiry"
    REFUND = "refund"
    REVERSAL = "reversal"
    SETTLEMENT = "settlement"
    # A chargeback: what a bank took back from us is taken from the wallet.
    DISPUTE = "dispute"
    # What a period's volume price asks for, or gives back, once its usage is known.
    TRUE_UP = "true_up", "True-up"


class Book(models.TextChoices):
    """Our side of an entry. Books keep no balance: it would queue all customers."""

    CASH = "cash"
    PROMOTION = "promotion"
    CONSUMED = "consumed"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    RECEIVABLE = "receivable"


class Wallet(models.Model):
    """A customer's credits in one currency.

    Balance, sequence and digest are those of the wallet's last entry: the database
    moves them when an entry is inserted and lets no role of ours write them.
    """

    currency = models.CharField(max_length=3)
    balance = ExactDecimalField(default=0)
    sequence = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32, default=GENESIS)
    credit_limit = ExactDecimalField(default=0)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"),
                name="ledger_wallet_currency_is_iso_4217",
            ),
            models.CheckConstraint(
                condition=Q(credit_limit__gte=0) & is_number("credit_limit"),
                name="ledger_wallet_credit_limit_not_negative",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="starts_empty",
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.balance <> 0 OR NEW.sequence <> 0"),
            ),
        ]

    def __str__(self) -> str:
        return f"wallet {self.pk}"


class CreditLot(models.Model):
    """One grant of credits, with its own price, priority and expiry.

    What remains is moved by entries alone. Once expired, a lot stays empty for ever.
    """

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="lots")
    source = models.CharField(max_length=16, choices=Source.choices)
    granted = ExactDecimalField()
    remaining = ExactDecimalField(default=0)
    price_paid = ExactDecimalField(default=0)
    # Lower numbers are spent first.
    priority = models.SmallIntegerField(default=0)
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    # When the sweep took what was left.
    expired_at = models.DateTimeField(null=True, blank=True, editable=False)
    reference = models.CharField(max_length=200)
    # What an operator gave them for; nothing where the source says it.
    reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(granted__gt=0) & is_number("granted"),
                name="ledger_creditlot_granted_positive",
            ),
            models.CheckConstraint(
                condition=Q(remaining__gte=0, remaining__lte=F("granted")),
                name="ledger_creditlot_remaining_between_zero_and_granted",
            ),
            models.CheckConstraint(
                condition=Q(price_paid__gte=0) & is_number("price_paid"),
                name="ledger_creditlot_price_paid_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("starts_at")),
                name="ledger_creditlot_expires_after_it_starts",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__gte=FIRST_TIME, starts_at__lt=END_OF_TIME)
                & (Q(expires_at__isnull=True) | Q(expires_at__lt=END_OF_TIME)),
                name="ledger_creditlot_times_from_2000_to_2999",
            ),
            models.CheckConstraint(
                condition=Q(expired_at__isnull=True) | Q(remaining=0),
                name="ledger_creditlot_expired_stays_empty",
            ),
            # One cause grants once: a webhook delivered twice makes one lot.
            models.UniqueConstraint(
                fields=["wallet", "reference"],
                name="ledger_creditlot_reference_unique_per_wallet",
            ),
        ]
        indexes = [
            models.Index(
                fields=["wallet"],
                condition=Q(remaining__gt=0),
                name="ledger_creditlot_open",
            ),
            # Read by the expiry sweep.
            models.Index(
                fields=["expires_at"],
                condition=Q(remaining__gt=0),
                name="ledger_creditlot_expiring",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="starts_empty",
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.remaining <> 0"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_source_display()} {self.reference}"


class Entry(AppendOnly):
    """One movement of credits between a wallet and one of our books.

    Both sides are in one row, so the books sum to zero by construction. Without a lot
    it moves the wallet's overdraft. Inserting it moves the wallet and the lot: see
    `ledger_advance_wallets` in the migrations.
    """

    wallet = models.ForeignKey(
        Wallet, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    lot = models.ForeignKey(
        CreditLot,
        on_delete=models.PROTECT,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="entries",
    )
    book = models.CharField(max_length=16, choices=Book.choices)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    amount = ExactDecimalField(help_text="Positive adds to the wallet.")
    balance_after = ExactDecimalField()
    sequence = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    # What made it: "event:req_01HX…", "invoice:12", "sweep".
    cause = models.CharField(max_length=300)
    reverses = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)

    class Meta(AppendOnly.Meta):
        verbose_name_plural = "entries"
        constraints = [
            models.CheckConstraint(
                condition=is_number("amount", "balance_after"),
                name="ledger_entry_amounts_are_numbers",
            ),
            models.CheckConstraint(
                condition=Q(sequence__gt=0), name="ledger_entry_sequence_positive"
            ),
            # The partition key has to be part of it; `ledger_advance_wallets` makes
            # the sequence unique and gapless per wallet whatever the month.
            models.UniqueConstraint(
                fields=["wallet", "sequence", "recorded_at"],
                name="ledger_entry_sequence_unique_per_wallet",
            ),
        ]
        indexes = [
            # Read by a lot's own page.
            models.Index(
                fields=["lot", "sequence"],
                condition=Q(lot__isnull=False),
                name="ledger_entry_by_lot",
            ),
            # Read by the ledger's filter by kind: few among millions of calls.
            models.Index(
                fields=["wallet", "sequence"],
                condition=~Q(kind=Kind.USAGE),
                name="ledger_entry_other_than_usage",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {as_text(self.amount)} ({self.cause})"
