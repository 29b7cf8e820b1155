from decimal import Decimal

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import billing.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_rates_by_condition_and_period"),
    ]

    operations = [
        migrations.CreateModel(
            name="Terms",
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
                ("effective_from", models.DateTimeField()),
                (
                    "discount_percent",
                    billing.models.fields.WrittenDecimalField(
                        decimal_places=4, default=Decimal("0"), max_digits=7
                    ),
                ),
                ("model_discounts", models.JSONField(blank=True, default=dict)),
                ("reason", models.CharField(max_length=500)),
                ("actor", models.CharField(max_length=200)),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "terms",
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="terms",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="terms",
                to="billing.customer",
            ),
        ),
        migrations.AddField(
            model_name="terms",
            name="rate_card",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.ratecard",
            ),
        ),
        migrations.AddConstraint(
            model_name="terms",
            constraint=models.UniqueConstraint(
                fields=("customer", "effective_from"),
                name="billing_terms_one_per_customer_and_instant",
            ),
        ),
        migrations.AddConstraint(
            model_name="terms",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("discount_percent__gte", 0), ("discount_percent__lte", 100)
                ),
                name="billing_terms_discount_is_a_percentage",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="terms",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP\n        USING ERRCODE = 'restrict_violation';\n    ",
                    hash="0b3ea545503249c35d71f387860bd7c65251a18b",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_cc8be",
                    table="billing_terms",
                    when="BEFORE",
                ),
            ),
        ),
    ]
