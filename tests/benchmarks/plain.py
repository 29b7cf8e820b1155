"""A ledger as it is first written with an ORM: one lock and one row a debit.

The tables have the columns and indexes of ours, and none of their rules.
"""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.db import connections, models, transaction
from django.db.models.functions import Now

from config.privileges import ROLE
from ledger.models import Book, ExactDecimalField, Kind

_MAKE = f"""
    CREATE TABLE plain_wallet (LIKE ledger_wallet INCLUDING ALL);
    CREATE TABLE plain_entry (LIKE ledger_entry INCLUDING DEFAULTS INCLUDING IDENTITY
        INCLUDING CONSTRAINTS, PRIMARY KEY (id),
        UNIQUE (wallet_id, sequence, recorded_at));
    GRANT SELECT, INSERT, UPDATE ON plain_wallet, plain_entry TO {ROLE};
"""


class PlainWallet(models.Model):
    """A balance that a program reads, changes and writes back."""

    balance = ExactDecimalField()
    sequence = models.BigIntegerField()

    objects: ClassVar[models.Manager["PlainWallet"]] = models.Manager()

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = "plain_wallet"

    def __str__(self) -> str:
        return f"plain wallet {self.pk}"


class PlainEntry(models.Model):
    """One debit, with the columns of an entry."""

    wallet_id = models.BigIntegerField()
    lot_id = models.BigIntegerField(null=True)
    book = models.CharField(max_length=16)
    kind = models.CharField(max_length=16)
    amount = ExactDecimalField()
    balance_after = ExactDecimalField()
    sequence = models.BigIntegerField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    cause = models.CharField(max_length=300)
    reverses = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32)

    objects: ClassVar[models.Manager["PlainEntry"]] = models.Manager()

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = "plain_entry"

    def __str__(self) -> str:
        return f"plain entry {self.pk}"


def make_plain_tables(wallet_id: int) -> None:
    """Make both tables, as their owner, with one wallet like one of ours."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(_MAKE)
        cursor.execute(
            "INSERT INTO plain_wallet SELECT * FROM ledger_wallet WHERE id = %s",
            [wallet_id],
        )


@transaction.atomic
def debit(*, wallet_id: int, amount: Decimal, cause: str, at: datetime) -> None:
    """Take one amount from a wallet, in a transaction of its own."""
    wallet = PlainWallet.objects.select_for_update().get(pk=wallet_id)
    wallet.balance -= amount
    wallet.sequence += 1
    wallet.save(update_fields=["balance", "sequence"])
    PlainEntry.objects.create(
        wallet_id=wallet_id,
        book=Book.CONSUMED,
        kind=Kind.USAGE,
        amount=-amount,
        balance_after=wallet.balance,
        sequence=wallet.sequence,
        occurred_at=at,
        cause=cause,
        actor="bench",
        digest=bytes(32),
    )
