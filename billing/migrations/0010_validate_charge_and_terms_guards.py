from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_charge_and_terms_guards"),
    ]

    operations = [
        ValidateConstraint("charge", "billing_charge_negative_if_it_corrects"),
        ValidateConstraint("charge", "billing_charge_discount_from_0_to_1"),
        ValidateConstraint("charge", "billing_charge_billed_and_flat_are_numbers"),
        ValidateConstraint("terms", "billing_terms_says_who_and_why"),
    ]
