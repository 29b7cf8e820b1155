from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone

from config.partitions import create_partitions
from config.privileges import grant_privileges


class Command(BaseCommand):
    help = "Migrate the database as its owner and grant the application its privileges."

    def handle(self, *_args: Any, **options: Any) -> None:
        owner = connections["owner"]
        if owner.settings_dict["USER"] == connections["default"].settings_dict["USER"]:
            message = "Set DATABASE_OWNER_URL: the application must not own its tables."
            raise CommandError(message)
        call_command("migrate", database="owner", verbosity=options["verbosity"] - 1)
        create_partitions(owner, around=timezone.now().date())
        tables = grant_privileges(owner)
        self.stdout.write(f"Database ready: privileges granted on {tables} tables.")
