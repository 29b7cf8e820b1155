"""Cases B of other billing systems, on cards drafted and published by the commands."""

from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from billing.models import RateCard, RateCardVersion
from billing.services.rate_cards import publish_version
from tests import audit, make
from tests.billing.test_period_metering import images

pytestmark = [pytest.mark.django_db, pytest.mark.story]
Tiers = list[tuple[str, str, str]]
B1: Tiers = [("10", "10", "2"), ("20", "5", "3"), ("", "5", "3")]
B2: Tiers = [("0.01", "0", "0"), ("", "5", "3")]
B3: Tiers = [("0.1", "10", "0"), ("1", "5", "0"), ("", "2", "0")]
B7: Tiers = [("", "0.029", "0")]
B10: Tiers = [("1000", "0.01", "200"), ("10000", "0.02", "300"), ("", "0", "0")]
B19: Tiers = [("5", "7", "0"), ("10", "6.5", "0"), ("", "6", "0")]
B20: Tiers = [
    ("5", "5", "0"),
    ("10", "4", "0"),
    ("15", "3", "0"),
    ("20", "2", "0"),
    ("", "1", "0"),
]


def card_text(tiers: Tiers) -> str:
    text = "model: m\nrates:\n  - dimension: images\n    unit: 1 image\n"
    text += "    per_period: graduated\n    tiers:\n"
    for bound, price, flat in tiers:
        text += f"      - price_usd: {price}\n        flat_usd: {flat}\n"
        text += f"        up_to: {bound}\n" if bound else ""
    return text


def published(text: str, folder: Path) -> RateCard:
    """Draft a card by the command and put it in force before all events."""
    file = folder / "card.yaml"
    file.write_text(text)
    call_command("draft_rate_card", "peers", str(file), "--create", stdout=StringIO())
    at = make.NOW.replace(year=2025)
    version = RateCardVersion.objects.get()
    publish_version(version=version, effective_from=at, by="test", at=at)
    return version.rate_card


@pytest.mark.parametrize(
    ("tiers", "quantities", "expected"),
    [
        (B1, ["0"], ["2"]),
        (B1, ["1"], ["12"]),
        (B1, ["10", "1", "1"], ["102", "8", "5"]),
        (B1, ["21"], ["163"]),
        (B2, ["0"], ["0"]),
        (B3, ["0.05"], ["0.5"]),
        (B3, ["0.5"], ["3"]),
        (B7, ["4"], ["0.116"]),
        (B10, ["500", "550", "4000"], ["205", "306", "80"]),
        (B19, ["1", "4", "1", "14", "5"], ["7", "28", "6.5", "86", "30"]),
        (B19, ["25"], ["157.5"]),
        (B20, ["6"], ["29"]),
    ],
)
def test_each_call_costs_what_peers_say(
    tiers: Tiers, quantities: list[str], expected: list[str], tmp_path: Path
) -> None:
    plan = make.plan(card=published(card_text(tiers), tmp_path))
    make.customer(plan=plan, credits="5000")

    outcomes = [make.record(images(Decimal(quantity)))[0] for quantity in quantities]

    assert [outcome.cost for outcome in outcomes] == list(map(Decimal, expected))
    assert audit.differences() == []
