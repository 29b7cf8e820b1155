from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0016_pack_validity"),
    ]

    operations = [
        ValidateConstraint("creditpack", "billing_creditpack_lasts_a_century_at_most"),
    ]
