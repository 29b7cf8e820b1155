from decimal import Decimal

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import ledger.models


class Migration(migrations.Migration):
    dependencies = [("billing", "0021_usage_rollups_by_day")]

    operations = [
        migrations.CreateModel(
            name="SpendCap",
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
                    "model",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Empty: every model.",
                        max_length=200,
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("day", "Day"), ("month", "Month")], max_length=16
                    ),
                ),
                (
                    "amount",
                    ledger.models.ExactDecimalField(
                        decimal_places=18,
                        help_text="In the wallet's currency; 0: nothing may be spent.",
                        max_digits=38,
                    ),
                ),
                (
                    "set_by",
                    models.CharField(
                        choices=[("customer", "Customer"), ("operator", "Operator")],
                        max_length=16,
                    ),
                ),
                ("actor", models.CharField(max_length=200)),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="spend_caps",
                        to="billing.customer",
                    ),
                ),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all of the customer's calls, with whatever key.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="spend_caps",
                        to="billing.apikey",
                        verbose_name="API key",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="spendcap",
            constraint=models.UniqueConstraint(
                fields=("customer", "api_key", "model", "period", "set_by"),
                name="billing_spendcap_one_per_scope_and_owner",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="spendcap",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__gte", 0), ("amount__lt", Decimal("10000000000000000000"))
                ),
                name="billing_spendcap_amount_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="spendcap",
            constraint=models.CheckConstraint(
                condition=models.Q(("period__in", ["day", "month"])),
                name="billing_spendcap_period_is_a_day_or_a_month",
            ),
        ),
        migrations.AddConstraint(
            model_name="spendcap",
            constraint=models.CheckConstraint(
                condition=models.Q(("set_by__in", ["customer", "operator"])),
                name="billing_spendcap_set_by_customer_or_operator",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="spendcap",
            trigger=pgtrigger.compiler.Trigger(
                name="key_is_the_customers",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.api_key_id IS NOT NULL)",
                    func="\n                    IF (SELECT customer_id FROM billing_apikey\n                        WHERE id = NEW.api_key_id) IS DISTINCT FROM NEW.customer_id\n                    THEN\n                        RAISE EXCEPTION 'the API key is not the customer''s'\n                        USING ERRCODE = 'check_violation',\n                            CONSTRAINT = 'billing_spendcap_key_of_its_customer';\n                    END IF;\n                    RETURN NEW;\n                ",
                    hash="3d263d4ea44fb00b51b7fc09ecd9de54b9b23502",
                    operation='INSERT OR UPDATE OF "customer_id", "api_key_id"',
                    pgid="pgtrigger_key_is_the_customers_86678",
                    table="billing_spendcap",
                    when="BEFORE",
                ),
            ),
        ),
    ]
