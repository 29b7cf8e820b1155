from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0004_true_up_entries"),
    ]

    operations = [
        migrations.AddField(
            model_name="creditlot",
            name="reason",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=500
            ),
        ),
    ]
