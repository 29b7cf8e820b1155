import datetime

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0008_entries_by_lot"),
    ]

    # Nothing is read while credits are spent: 0010 looks at the lots that are there.
    operations = [
        AddConstraintNotValid(
            model_name="creditlot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "starts_at__gte",
                        datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC),
                    ),
                    (
                        "starts_at__lt",
                        datetime.datetime(3000, 1, 1, tzinfo=datetime.UTC),
                    ),
                    models.Q(
                        ("expires_at__isnull", True),
                        (
                            "expires_at__lt",
                            datetime.datetime(3000, 1, 1, tzinfo=datetime.UTC),
                        ),
                        _connector="OR",
                    ),
                ),
                name="ledger_creditlot_times_from_2000_to_2999",
            ),
        ),
    ]
