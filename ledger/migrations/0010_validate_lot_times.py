from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0009_lot_times"),
    ]

    operations = [
        ValidateConstraint("creditlot", "ledger_creditlot_times_from_2000_to_2999"),
    ]
