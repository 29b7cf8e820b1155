from argparse import ArgumentParser
from collections.abc import Iterator
from textwrap import indent
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from billing.management.rate_cards import VersionCommand
from billing.pricing.diff import Change, Kind
from billing.queries.prices import (
    PriceDiff,
    UnknownVersionError,
    get_diff,
    get_version,
)

_MARKS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~"}


class Command(VersionCommand):
    help = "Print what a version of a rate card changes of the one that it follows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--version", type=int, help="Without it, the newest.")
        parser.add_argument(
            "--with", type=int, dest="other", help="Compare with this version instead."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        code, number = options["code"], options["other"]
        try:
            version = get_version(code=code, number=options["version"])
            other = None if number is None else get_version(code=code, number=number)
        except UnknownVersionError as error:
            raise CommandError(f"Nothing to compare: {error}.") from error
        diff = get_diff(version=version, at=timezone.now(), other=other)
        self.stdout.write("\n".join([_summary(diff), *_lines(diff.changes)]))


def _summary(diff: PriceDiff) -> str:
    if diff.follows is None:
        alone = "follows no published version: there is nothing to compare."
        return f"{diff.version} {alone}"
    count = len(diff.changes)
    changes = "1 change" if count == 1 else f"{count:,} changes"
    return f"{diff.follows} → {diff.version}: {changes if count else 'no change'}"


def _lines(changes: tuple[Change, ...]) -> Iterator[str]:
    """Yield the changes, each model's under its name."""
    model = None
    for change in changes:
        if change.model != model:
            model = change.model
            yield f"\n{model}"
        yield from _change_lines(change)


def _change_lines(change: Change) -> Iterator[str]:
    """Yield a change on one line, or with its prices on lines of their own."""
    heading = f"  {_MARKS[change.kind]} {change.subject}"
    texts = [text for text in (change.before, change.after) if text]
    if change.what != "model" and not any("\n" in text for text in texts):
        percent = f" ({change.percent})" if change.percent else ""
        yield f"{heading}: {' → '.join(texts)}{percent}"
        return
    yield heading
    for sign, text in (("-", change.before), ("+", change.after)):
        yield from indent(text, f"      {sign} ").splitlines()
