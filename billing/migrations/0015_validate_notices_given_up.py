from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0014_notices_given_up"),
    ]

    operations = [
        ValidateConstraint("notice", "billing_notice_sent_or_given_up"),
    ]
