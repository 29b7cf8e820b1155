import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import ledger.models


class Migration(migrations.Migration):
    dependencies = [("billing", "0019_refusals")]

    operations = [
        migrations.AddField(
            model_name="usageevent",
            name="api_key",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.apikey",
            ),
        ),
        migrations.AddField(
            model_name="streamchunk",
            name="api_key",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.apikey",
            ),
        ),
        migrations.AddField(
            model_name="quarantinedevent",
            name="api_key",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.apikey",
            ),
        ),
        migrations.CreateModel(
            name="KeyRollup",
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
                ("day", models.DateField()),
                ("model", models.CharField(max_length=200)),
                ("calls", models.BigIntegerField()),
                ("amount", ledger.models.SumField(decimal_places=18, max_digits=100)),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.customer",
                    ),
                ),
                (
                    "api_key",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.apikey",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="keyrollup",
            constraint=models.UniqueConstraint(
                fields=("customer", "api_key", "day", "model"),
                name="billing_keyrollup_one_per_key_day_and_model",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="apikey",
            trigger=pgtrigger.compiler.Trigger(
                name="keys_keep_their_customer",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.customer_id IS DISTINCT FROM OLD.customer_id)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="b57e3e9a8633d4dbedeb028c3c0eff5305645957",
                    operation="UPDATE",
                    pgid="pgtrigger_keys_keep_their_customer_13a0b",
                    table="billing_apikey",
                    when="BEFORE",
                ),
            ),
        ),
    ]
