from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0015_validate_notices_given_up"),
    ]

    # 0017 looks at the packs that are there.
    operations = [
        AddConstraintNotValid(
            model_name="creditpack",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("validity_days__isnull", True),
                    ("validity_days__lte", 36525),
                    _connector="OR",
                ),
                name="billing_creditpack_lasts_a_century_at_most",
                violation_error_message="At most 36525 days, or none.",
            ),
        ),
    ]
