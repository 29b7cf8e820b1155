from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_terms"),
    ]

    operations = [
        migrations.AddField(
            model_name="plan",
            name="waives_failed_calls",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="A call that failed and produced no output costs nothing.",
            ),
        ),
        migrations.AddField(
            model_name="usageevent",
            name="waived",
            field=models.CharField(db_default="", default="", max_length=32),
        ),
    ]
