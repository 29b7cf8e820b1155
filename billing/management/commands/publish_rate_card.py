from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from billing.management.rate_cards import VersionCommand, actor, instant
from billing.queries.prices import UnknownVersionError, get_version
from billing.services.rate_cards import (
    AlreadyPublishedError,
    InstantTakenError,
    RetroactivePriceError,
    publish_version,
)


class Command(VersionCommand):
    help = "Put a draft of a rate card in force from a date on, and freeze it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--version", type=int, required=True)
        parser.add_argument(
            "--effective-from",
            type=instant,
            help="An instant in ISO 8601, in UTC unless it says otherwise. "
            "Without it, the draft's own date, or else now.",
        )
        parser.add_argument("--by", type=actor, required=True, help="Who publishes it.")

    def handle(self, *_args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            draft = get_version(code=options["code"], number=options["version"])
            version = publish_version(
                version=draft,
                effective_from=options["effective_from"] or draft.effective_from or now,
                by=options["by"],
                at=now,
            )
        except (
            AlreadyPublishedError,
            InstantTakenError,
            RetroactivePriceError,
            UnknownVersionError,
        ) as error:
            raise CommandError(f"Nothing was published: {error}.") from error
        self.stdout.write(
            f"{version} is in force from {version.effective_from:%Y-%m-%d %H:%M} UTC."
        )
