from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0013_notice_kinds"),
    ]

    # 0015 looks at the notices that are there.
    operations = [
        migrations.AddField(
            model_name="notice",
            name="given_up_at",
            field=models.DateTimeField(null=True),
        ),
        AddConstraintNotValid(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("sent_at__isnull", True),
                    ("given_up_at__isnull", True),
                    _connector="OR",
                ),
                name="billing_notice_sent_or_given_up",
            ),
        ),
    ]
