"""What the commands for rate cards share: how files, dates and versions are given."""

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models.fields import SlugField

_CODE = re.compile(rf"[-a-zA-Z0-9_]{{1,{SlugField().max_length}}}")
_MAX_ACTOR = 200


class VersionCommand(BaseCommand):
    """A command whose `--version` is a rate card's, and not Django's."""

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        kwargs["conflict_handler"] = "resolve"
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", help="The code of the rate card.")


def add_new_card_arguments(parser: ArgumentParser) -> None:
    """Let a command make the card that it is given the code of."""
    parser.add_argument(
        "--create", action="store_true", help="Make the card, if there is none yet."
    )
    parser.add_argument("--name", default="", help="What a new card is called.")


def name_if_new(code: str, options: dict[str, Any]) -> str | None:
    """Return the name that a new card would have, if one may be made."""
    return (options["name"] or code) if options["create"] else None


def card_code(text: str) -> str:
    """Return the code of a card, as it may be stored."""
    if not _CODE.fullmatch(text):
        problem = "letters, digits, hyphens and underscores, 50 at most"
        raise ArgumentTypeError(f"{text!r} is no code: {problem}")
    return text


def instant(text: str) -> datetime:
    """Return an instant; one without a time zone is in UTC, as in the admin."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is no instant such as 2027-01-01T00:00Z"
        raise ArgumentTypeError(message) from error


def read_text(path: str) -> str:
    """Return what a file holds, or what comes in where it is called "-"."""
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path}: is not written in UTF-8.") from error


def actor(text: str) -> str:
    """Return a name under which something is done, as it may be stored."""
    if not text.strip() or not text.isprintable() or len(text) > _MAX_ACTOR:
        raise ArgumentTypeError(f"must be a name, of {_MAX_ACTOR} characters at most")
    return text
