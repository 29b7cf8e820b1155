from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("ratelimits", "0002_concurrency"),
    ]

    operations = [
        ValidateConstraint("ratelimit", "ratelimits_ratelimit_concurrency_positive"),
        ValidateConstraint("ratelimit", "ratelimits_ratelimit_tpm_countable"),
    ]
