from decimal import Decimal

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import billing.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RateTier",
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
                ("position", models.PositiveSmallIntegerField()),
                (
                    "up_to",
                    billing.models.fields.OptionalDecimalField(
                        decimal_places=18, max_digits=30, null=True
                    ),
                ),
                (
                    "price",
                    billing.models.fields.WrittenDecimalField(
                        decimal_places=12, max_digits=24
                    ),
                ),
                (
                    "flat",
                    billing.models.fields.WrittenDecimalField(
                        decimal_places=12, default=Decimal("0"), max_digits=24
                    ),
                ),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="contextband",
            name="billing_contextband_bound_unique_per_model",
        ),
        migrations.RemoveConstraint(
            model_name="rate",
            name="billing_rate_one_per_model_and_dimension",
        ),
        migrations.AddField(
            model_name="contextband",
            name="below_tokens",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="rate",
            name="free_per_period",
            field=billing.models.fields.WrittenDecimalField(
                db_default=Decimal("0"),
                decimal_places=18,
                default=Decimal("0"),
                max_digits=30,
            ),
        ),
        migrations.AddField(
            model_name="rate",
            name="maximum_per_period",
            field=billing.models.fields.OptionalDecimalField(
                blank=True, decimal_places=12, max_digits=24, null=True
            ),
        ),
        migrations.AddField(
            model_name="rate",
            name="minimum_per_period",
            field=billing.models.fields.OptionalDecimalField(
                blank=True, decimal_places=12, max_digits=24, null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("minimum_per_period__isnull", True),
                        models.Q(
                            ("minimum_per_period__gte", 0),
                            ("minimum_per_period__lt", 1000000000000),
                        ),
                        _connector="OR",
                    ),
                    models.Q(
                        ("maximum_per_period__isnull", True),
                        models.Q(
                            ("maximum_per_period__gte", 0),
                            ("maximum_per_period__lt", 1000000000000),
                        ),
                        _connector="OR",
                    ),
                ),
                name="billing_rate_period_bounds_not_negative",
            ),
        ),
        migrations.AddField(
            model_name="rate",
            name="per_period",
            field=models.CharField(
                blank=True,
                choices=[
                    ("graduated", "Graduated"),
                    ("volume", "Volume"),
                    ("package", "Package"),
                ],
                db_default="",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="rate",
            name="when",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
            ),
        ),
        migrations.AlterField(
            model_name="contextband",
            name="max_tokens",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name="contextband",
            constraint=models.UniqueConstraint(
                fields=("version", "model", "max_tokens", "below_tokens"),
                name="billing_contextband_bound_unique_per_model",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="contextband",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_tokens__isnull", True),
                    ("below_tokens__isnull", True),
                    _connector="OR",
                ),
                name="billing_contextband_has_one_bound",
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.UniqueConstraint(
                fields=("version", "model", "dimension", "when"),
                name="billing_rate_one_per_model_dimension_and_condition",
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("free_per_period__gte", 0), ("free_per_period__lt", 1000000000000)
                ),
                name="billing_rate_free_per_period_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="rate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("per_period__in", ["", "graduated", "volume", "package"]),
                    models.Q(
                        models.Q(("per_period", ""), _negated=True),
                        ("free_per_period", 0),
                        _connector="OR",
                    ),
                ),
                name="billing_rate_free_units_have_a_period",
            ),
        ),
        migrations.AddField(
            model_name="ratetier",
            name="rate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tiers",
                to="billing.rate",
            ),
        ),
        migrations.AddField(
            model_name="ratetier",
            name="version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tiers",
                to="billing.ratecardversion",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratetier",
            constraint=models.UniqueConstraint(
                fields=("rate", "position"), name="billing_ratetier_one_per_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="ratetier",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("position__gt", 0),
                    ("price__gte", 0),
                    ("price__lt", 1000000000000),
                    ("flat__gte", 0),
                    ("flat__lt", 1000000000000),
                ),
                name="billing_ratetier_prices_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="ratetier",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("up_to__isnull", True),
                    models.Q(("up_to__gt", 0), ("up_to__lt", 1000000000000)),
                    _connector="OR",
                ),
                name="billing_ratetier_bound_positive",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ratetier",
            trigger=pgtrigger.compiler.Trigger(
                name="frozen_with_its_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE frozen boolean;",
                    func="\n        -- Both: a price may no more be moved into a published version than out of it.\n        SELECT bool_or(published_at IS NOT NULL) INTO frozen\n        FROM billing_ratecardversion WHERE id IN (OLD.version_id, NEW.version_id);\n        IF frozen THEN\n            RAISE EXCEPTION 'prices of a published version are frozen: % refused', TG_OP\n            USING ERRCODE = 'restrict_violation';\n        END IF;\n        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;\n    ",
                    hash="9f0410a867e8299d77c144b1ec4260e5b12a6c78",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_frozen_with_its_version_08751",
                    table="billing_ratetier",
                    when="BEFORE",
                ),
            ),
        ),
    ]
