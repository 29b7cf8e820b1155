from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_true_ups"),
    ]

    # Nothing is read while calls wait: 0010 looks at the rows that are there.
    operations = [
        AddConstraintNotValid(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(("discount__gte", 0), ("discount__lte", 1)),
                name="billing_charge_discount_from_0_to_1",
            ),
        ),
        AddConstraintNotValid(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("billed__lt", Decimal("10000000000000000000")),
                    ("flat__lt", Decimal("10000000000000000000")),
                    ("billed__gt", Decimal("-10000000000000000000")),
                    ("flat__gt", Decimal("-10000000000000000000")),
                ),
                name="billing_charge_billed_and_flat_are_numbers",
            ),
        ),
        AddConstraintNotValid(
            model_name="terms",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", ""), _negated=True),
                    models.Q(("actor", ""), _negated=True),
                ),
                name="billing_terms_says_who_and_why",
            ),
        ),
    ]
