from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from billing.management.rate_cards import VersionCommand
from billing.pricing.yaml_form import format_card
from billing.queries.cards import load_card
from billing.queries.prices import (
    UnknownVersionError,
    get_published_version,
    get_version,
)


class Command(VersionCommand):
    help = "Write the prices of a rate card as YAML."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--version", type=int, help="Without it, the last that is published."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        code, number = options["code"], options["version"]
        try:
            if number is None:
                version = get_published_version(code=code)
            else:
                version = get_version(code=code, number=number)
        except UnknownVersionError as error:
            raise CommandError(f"Nothing to export: {error}.") from error
        self.stdout.write(format_card(load_card(version.pk)))
