from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # An index that is built beside the usage that goes on.
    atomic = False
    dependencies = [("billing", "0020_api_keys_of_usage")]

    operations = [
        AddIndexConcurrently(
            model_name="usagerollup",
            index=models.Index(
                fields=["customer", "day"], name="billing_usagerollup_by_day"
            ),
        ),
    ]
