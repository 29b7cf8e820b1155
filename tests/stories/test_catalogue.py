"""An operator sells every model of a public price list, from a file to a charge."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from billing.models import RateCardVersion
from billing.pricing.rating import CompiledCard, compile_card
from billing.queries.cards import load_card
from tests.billing.pricing.oracle_cases import CASES
from tests.billing.pricing.oracles import (
    PRICES,
    catalogue,
    cost_of,
    example_costs,
)

pytestmark = [pytest.mark.story, pytest.mark.django_db]


def run(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def imported() -> CompiledCard:
    """Return the prices of the catalogue, imported, published, and read back."""
    catalogue_file = str(PRICES / "models.json")
    run("import_price_catalogue", catalogue_file, "--card", "real", "--create")
    run("publish_rate_card", "real", "--version", "1", "--by", "ada")
    return compile_card(load_card(RateCardVersion.objects.get().pk))


def test_what_is_stored_is_the_catalogue(imported: CompiledCard) -> None:
    stored = load_card(RateCardVersion.objects.get().pk)

    assert stored == catalogue().card
    assert imported.currency == "USD"


def test_every_cost_that_two_packages_agree_on_is_charged_to_the_last_digit(
    imported: CompiledCard,
) -> None:
    agreed = [row for row in example_costs() if row["agree"] == "1"]

    different = [
        row for row in agreed if cost_of(row, imported) != Decimal(row["genai_usd"])
    ]

    assert len(agreed) == 263
    assert different == []


def test_every_oracle_case_is_charged_as_expected(imported: CompiledCard) -> None:
    costs = {case.name: case.cost(imported) for case in CASES}

    assert costs == {case.name: Decimal(case.expected) for case in CASES}


def test_a_dearer_catalogue_is_compared_before_it_is_published(
    imported: CompiledCard,
) -> None:
    catalogue_file = str(PRICES / "models.json")
    run("import_price_catalogue", catalogue_file, "--card=real", "--markup-percent=20")

    lines = run("diff_rate_card", "real").splitlines()

    changed = [line for line in lines if line.startswith("  ~ ")]
    assert lines[0] == f"real v1 → real v2: {len(changed)} changes"
    assert all("+20%)" in line for line in changed)
    assert {line for line in lines[2:] if line and line[0] != " "} <= set(
        imported.models
    )
