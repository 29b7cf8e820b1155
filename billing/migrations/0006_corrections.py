from decimal import Decimal

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import ledger.models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_charges_by_tier_and_discount"),
    ]

    operations = [
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("void", "Void"), ("amend", "amendment")],
                        max_length=16,
                    ),
                ),
                ("event_id", models.BigIntegerField()),
                ("occurred_at", models.DateTimeField()),
                ("replacement_id", models.BigIntegerField(null=True)),
                (
                    "amount",
                    ledger.models.ExactDecimalField(
                        decimal_places=18,
                        help_text="What the event had cost.",
                        max_digits=38,
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("actor", models.CharField(max_length=200)),
                ("period_start", models.DateTimeField()),
                ("first_entry", models.BigIntegerField(null=True)),
                ("last_entry", models.BigIntegerField(null=True)),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="correction",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="corrections",
                to="billing.customer",
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.UniqueConstraint(
                fields=("customer", "event_id"), name="billing_correction_one_per_event"
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.UniqueConstraint(
                fields=("customer", "replacement_id"),
                name="billing_correction_one_per_replacement",
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "void"), ("replacement_id__isnull", True)),
                    models.Q(("kind", "amend"), ("replacement_id__isnull", False)),
                    _connector="OR",
                ),
                name="billing_correction_amendment_has_a_replacement",
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__gte", 0), ("amount__lt", Decimal("10000000000000000000"))
                ),
                name="billing_correction_amount_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", ""), _negated=True),
                    models.Q(("actor", ""), _negated=True),
                ),
                name="billing_correction_says_who_and_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("replacement_id", models.F("event_id")), _negated=True
                ),
                name="billing_correction_replaces_another_event",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="correction",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n    ",
                    hash="727ee6e17eaf25e1ea4bdbf149ead1cffe62715f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_bc3e2",
                    table="billing_correction",
                    when="BEFORE",
                ),
            ),
        ),
    ]
