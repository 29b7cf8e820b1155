import json
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.management.rate_cards import (
    add_new_card_arguments,
    card_code,
    name_if_new,
    read_text,
)
from billing.pricing.card import CardError
from billing.pricing.catalogue import Unimported, card_from_catalogue
from billing.services.drafts import UnknownRateCardError, draft_prices
from billing.services.rate_cards import CurrencyMismatchError
from ledger.money import WIDE, ZERO

_MAX_EXPONENT = 12
_VERBOSE = 2


class Command(BaseCommand):
    help = "Store the prices of a public catalogue as the next version of a rate card."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            help='LiteLLM\'s JSON, or a list of its models; "-" reads standard input.',
        )
        parser.add_argument(
            "--card", type=card_code, required=True, help="The code of the rate card."
        )
        markup = parser.add_mutually_exclusive_group()
        markup.add_argument(
            "--markup", type=_number, help="Multiply every price by this: 1.2."
        )
        markup.add_argument(
            "--markup-percent", type=_number, help="Add as many percent: 20."
        )
        parser.add_argument(
            "--currency",
            type=str.upper,
            default="USD",
            help="Of the marked up prices; the catalogue's are in US dollars.",
        )
        add_new_card_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        code, file = options["card"], options["file"]
        data = _read_json(file)
        try:
            imported = card_from_catalogue(
                data, markup=_markup(options), currency=options["currency"]
            )
            version = draft_prices(
                code=code, card=imported.card, name_if_new=name_if_new(code, options)
            )
        except (CardError, CurrencyMismatchError, UnknownRateCardError) as error:
            raise CommandError(f"{file}: nothing was drafted: {error}.") from error
        count = len(imported.card.models)
        models = "1 model" if count == 1 else f"{count:,} models"
        made = f"Drafted {code} v{version.number} with {models}"
        self.stdout.write(f"{made}. It is not published.")
        for line in _notes(imported.unimported, options["verbosity"]):
            self.stdout.write(line)


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is no decimal number") from error
    if not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
        raise ArgumentTypeError(f"{text!r} is out of range")
    return number


def _markup(options: dict[str, Any]) -> Decimal:
    factor, percent = options["markup"], options["markup_percent"]
    if factor is not None:
        return Decimal(factor)
    return WIDE.add(Decimal(1), (percent or ZERO).scaleb(-2))


def _read_json(file: str) -> object:
    """Return the JSON in a file, its fractions as they are written."""
    text = read_text(file)
    try:
        return json.loads(text, parse_float=_fraction)
    except RecursionError as error:
        raise CommandError(f"{file}: is nested too deeply.") from error
    except ValueError as error:
        raise CommandError(f"{file}: is no JSON that can be read: {error}.") from error


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text} is no number of a possible size") from error


def _notes(unimported: tuple[Unimported, ...], verbosity: int) -> Iterator[str]:
    """Yield what is left out or rounded: counted, or all of it."""
    if not unimported:
        return
    if verbosity >= _VERBOSE:
        yield from (_printable(f"  {': '.join(each)}") for each in unimported)
        return
    yield "Left out, or not as it is in the catalogue:"
    kinds = Counter(each.problem.partition(":")[0] for each in unimported)
    yield from (
        f"{count:>8,}  {_printable(kind)}" for kind, count in kinds.most_common()
    )
    yield "-v 2 names each."


def _printable(text: str) -> str:
    """Return a text of the catalogue that no terminal takes for a command."""
    return text if text.isprintable() else ascii(text)
