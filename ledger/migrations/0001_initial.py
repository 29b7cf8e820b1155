from decimal import Decimal

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import ledger.models
from ledger.append_only import PartitionByMonth


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CreditLot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("purchase", "Purchase"),
                            ("promotion", "Promotion"),
                            ("trial", "Trial"),
                            ("adjustment", "Adjustment"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "granted",
                    ledger.models.ExactDecimalField(decimal_places=18, max_digits=38),
                ),
                (
                    "remaining",
                    ledger.models.ExactDecimalField(
                        decimal_places=18, default=0, max_digits=38
                    ),
                ),
                (
                    "price_paid",
                    ledger.models.ExactDecimalField(
                        decimal_places=18, default=0, max_digits=38
                    ),
                ),
                ("priority", models.SmallIntegerField(default=0)),
                ("starts_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "expired_at",
                    models.DateTimeField(blank=True, editable=False, null=True),
                ),
                ("reference", models.CharField(max_length=200)),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Wallet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                (
                    "balance",
                    ledger.models.ExactDecimalField(
                        decimal_places=18, default=0, max_digits=38
                    ),
                ),
                ("sequence", models.BigIntegerField(default=0)),
                (
                    "digest",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                        max_length=32,
                    ),
                ),
                (
                    "credit_limit",
                    ledger.models.ExactDecimalField(
                        decimal_places=18, default=0, max_digits=38
                    ),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")),
                        name="ledger_wallet_currency_is_iso_4217",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("credit_limit__gte", 0),
                            ("credit_limit__lt", Decimal("10000000000000000000")),
                        ),
                        name="ledger_wallet_credit_limit_not_negative",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "book",
                    models.CharField(
                        choices=[
                            ("cash", "Cash"),
                            ("promotion", "Promotion"),
                            ("consumed", "Consumed"),
                            ("expired", "Expired"),
                            ("refunded", "Refunded"),
                            ("receivable", "Receivable"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("grant", "Grant"),
                            ("usage", "Usage"),
                            ("expiry", "Expiry"),
                            ("refund", "Refund"),
                            ("reversal", "Reversal"),
                            ("settlement", "Settlement"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "amount",
                    ledger.models.ExactDecimalField(
                        decimal_places=18,
                        help_text="Positive adds to the wallet.",
                        max_digits=38,
                    ),
                ),
                (
                    "balance_after",
                    ledger.models.ExactDecimalField(decimal_places=18, max_digits=38),
                ),
                ("sequence", models.BigIntegerField()),
                ("occurred_at", models.DateTimeField()),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                ("cause", models.CharField(max_length=300)),
                ("reverses", models.BigIntegerField(null=True)),
                ("actor", models.CharField(max_length=200)),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "lot",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="ledger.creditlot",
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="ledger.wallet",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
                "abstract": False,
            },
        ),
        PartitionByMonth("ledger_entry", column="recorded_at"),
        migrations.AddField(
            model_name="creditlot",
            name="wallet",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lots",
                to="ledger.wallet",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="wallet",
            trigger=pgtrigger.compiler.Trigger(
                name="starts_empty",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.balance <> 0 OR NEW.sequence <> 0)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                    hash="f018b29b8b9c5445d98fba929fd8b69346ca07ae",
                    operation="INSERT",
                    pgid="pgtrigger_starts_empty_7753d",
                    table="ledger_wallet",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__lt", Decimal("10000000000000000000")),
                    ("balance_after__lt", Decimal("10000000000000000000")),
                ),
                name="ledger_entry_amounts_are_numbers",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(("sequence__gt", 0)),
                name="ledger_entry_sequence_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                fields=("wallet", "sequence", "recorded_at"),
                name="ledger_entry_sequence_unique_per_wallet",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="entry",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n    ",
                    hash="42cdab442526c4ef8f284b6c60df173519a362be",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_af900",
                    table="ledger_entry",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="creditlot",
            index=models.Index(
                condition=models.Q(("remaining__gt", 0)),
                fields=["wallet"],
                name="ledger_creditlot_open",
            ),
        ),
        migrations.AddIndex(
            model_name="creditlot",
            index=models.Index(
                condition=models.Q(("remaining__gt", 0)),
                fields=["expires_at"],
                name="ledger_creditlot_expiring",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditlot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("granted__gt", 0), ("granted__lt", Decimal("10000000000000000000"))
                ),
                name="ledger_creditlot_granted_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditlot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("remaining__gte", 0), ("remaining__lte", models.F("granted"))
                ),
                name="ledger_creditlot_remaining_between_zero_and_granted",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditlot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("price_paid__gte", 0),
                    ("price_paid__lt", Decimal("10000000000000000000")),
                ),
                name="ledger_creditlot_price_paid_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditlot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_at__isnull", True),
                    ("expires_at__gt", models.F("starts_at")),
                    _connector="OR",
                ),
                name="ledger_creditlot_expires_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditlot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expired_at__isnull", True), ("remaining", 0), _connector="OR"
                ),
                name="ledger_creditlot_expired_stays_empty",
            ),
        ),
        migrations.AddConstraint(
            model_name="creditlot",
            constraint=models.UniqueConstraint(
                fields=("wallet", "reference"),
                name="ledger_creditlot_reference_unique_per_wallet",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="creditlot",
            trigger=pgtrigger.compiler.Trigger(
                name="starts_empty",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.remaining <> 0)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot insert rows from % table', TG_TABLE_NAME;",
                    hash="a6b7a13613f00bb9a4666e928351d43681188ad2",
                    operation="INSERT",
                    pgid="pgtrigger_starts_empty_b59ab",
                    table="ledger_creditlot",
                    when="BEFORE",
                ),
            ),
        ),
    ]
