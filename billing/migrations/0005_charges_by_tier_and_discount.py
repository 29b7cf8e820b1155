from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import billing.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_waived_calls"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="charge",
            name="billing_charge_amount_not_negative",
        ),
        migrations.RemoveConstraint(
            model_name="usagerollup",
            name="billing_usagerollup_one_per_day_rate_and_band",
        ),
        migrations.AddField(
            model_name="charge",
            name="billed",
            field=billing.models.fields.OptionalDecimalField(
                decimal_places=18, max_digits=38, null=True
            ),
        ),
        migrations.AddField(
            model_name="charge",
            name="correction_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="charge",
            name="corrects",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="charge",
            name="discount",
            field=billing.models.fields.WrittenDecimalField(
                db_default=Decimal("1"),
                decimal_places=18,
                default=Decimal("1"),
                max_digits=30,
            ),
        ),
        migrations.AddField(
            model_name="charge",
            name="flat",
            field=billing.models.fields.OptionalDecimalField(
                decimal_places=18, max_digits=38, null=True
            ),
        ),
        migrations.AddField(
            model_name="charge",
            name="tier",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="corrects",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="discount",
            field=billing.models.fields.WrittenDecimalField(
                db_default=Decimal("1"),
                decimal_places=18,
                default=Decimal("1"),
                max_digits=30,
            ),
        ),
        migrations.AddField(
            model_name="usagerollup",
            name="tier",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        # History need not be read while calls wait: 0010 does.
        AddConstraintNotValid(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            ("amount__gte", 0),
                            ("correction_id__isnull", True),
                            ("quantity__gte", 0),
                        ),
                        models.Q(
                            ("amount__lte", 0),
                            ("correction_id__isnull", False),
                            ("quantity__lte", 0),
                        ),
                        _connector="OR",
                    ),
                    models.Q(
                        ("corrects__isnull", True),
                        ("correction_id__isnull", False),
                        _connector="OR",
                    ),
                    ("amount__lt", Decimal("10000000000000000000")),
                    ("quantity__lt", Decimal("10000000000000000000")),
                ),
                name="billing_charge_negative_if_it_corrects",
            ),
        ),
        migrations.AddConstraint(
            model_name="usagerollup",
            constraint=models.UniqueConstraint(
                fields=(
                    "customer",
                    "period_start",
                    "day",
                    "model",
                    "rate",
                    "band",
                    "tier",
                    "discount",
                    "corrects",
                ),
                name="billing_usagerollup_one_per_day_and_price",
                nulls_distinct=False,
            ),
        ),
    ]
