from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0005_dispute_entries"),
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
