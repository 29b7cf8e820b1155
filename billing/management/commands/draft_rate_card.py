from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.management.rate_cards import (
    add_new_card_arguments,
    card_code,
    name_if_new,
    read_text,
)
from billing.pricing.yaml_form import CardSyntaxError, parse_card
from billing.services.drafts import UnknownRateCardError, draft_prices
from billing.services.rate_cards import CurrencyMismatchError


class Command(BaseCommand):
    help = "Store the prices of a YAML file as the next version of a rate card."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", type=card_code, help="The code of the rate card.")
        parser.add_argument("file", help='The prices; "-" reads standard input.')
        add_new_card_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        code, file = options["code"], options["file"]
        text = read_text(file)
        try:
            version = draft_prices(
                code=code, card=parse_card(text), name_if_new=name_if_new(code, options)
            )
        except CardSyntaxError as error:
            raise CommandError(f"{file}: {error}.") from error
        except (CurrencyMismatchError, UnknownRateCardError) as error:
            raise CommandError(f"Nothing was drafted: {error}.") from error
        self.stdout.write(f"Drafted {code} v{version.number}. It is not published.")
