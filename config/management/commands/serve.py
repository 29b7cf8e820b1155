from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.serving import (
    Address,
    ServerDiedError,
    serving_web,
    wait_for_exit,
    working,
)


class Command(BaseCommand):
    help = "Serve web, API, worker and beat until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *_args: Any, **options: Any) -> None:
        if settings.EMBEDDED:
            call_command("prepare_database", stdout=self.stdout)
        address = Address(options["host"], options["port"])
        try:
            with serving_web(address), working(address):
                self.stdout.write(f"Serving on {address.url}; stop with Ctrl-C.")
                wait_for_exit(address)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        except ServerDiedError as error:
            raise CommandError(str(error)) from error
