"""Importing a public price list, and files that are none."""

from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from billing.models import Rate, RateCard, RateCardVersion

pytestmark = pytest.mark.django_db

LITELLM = """\
{
    "sample_spec": {"input_cost_per_token": 0},
    "gpt": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06},
    "odd": {"litellm_provider": "openai", "smell_cost_per_token": 1},
    "long": {"input_cost_per_token": 0.0000000000000000001}
}
"""
LISTED = """\
{"models": [{"model": "gpt", "provider": "openai",
    "litellm_usd_per_unit": {"input_cost_per_token": "0.0000025"}}]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(LITELLM)
    return path


def run(file: Path, *arguments: str) -> str:
    output = StringIO()
    call_command(
        "import_price_catalogue",
        str(file),
        "--card=list",
        "--create",
        *arguments,
        stdout=output,
    )
    return output.getvalue()


def refusal(file: Path, *arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        run(file, *arguments)
    assert not RateCard.objects.exists()
    return str(caught.value)


def price() -> Decimal:
    return Rate.objects.get(model="gpt").price


def test_litellms_own_file_becomes_a_draft_and_the_rest_is_counted(file: Path) -> None:
    said = run(file, "--name", "Real prices")

    version = RateCardVersion.objects.get()
    assert (str(version), version.published_at) == ("Real prices v1", None)
    assert str(price()) == "2.5"
    assert said.splitlines() == [
        "Drafted list v1 with 2 models. It is not published.",
        "Left out, or not as it is in the catalogue:",
        "       1  has no meaning on a card",
        "       1  has no valid prices",
        "       1  is rounded to 12 decimals for its unit",
        "-v 2 names each.",
    ]


def test_all_that_is_left_out_is_named_if_asked_for(file: Path) -> None:
    said = run(file, "-v", "2")

    assert said.splitlines()[1:3] == [
        "  odd: smell_cost_per_token: has no meaning on a card",
        "  odd: model: has no valid prices: odd: rates must hold at least one rate",
    ]


def test_a_list_of_models_is_read_too_and_leaves_nothing_out(file: Path) -> None:
    file.write_text(LISTED)

    assert run(file) == "Drafted list v1 with 1 model. It is not published.\n"
    assert price() == Decimal("2.5")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--markup=1.2"], "3"),
        (["--markup-percent=20"], "3"),
        (["--markup-percent=-10"], "2.25"),
        (["--markup=0.9", "--currency=eur"], "2.25"),
    ],
)
def test_prices_are_marked_up(file: Path, arguments: list[str], expected: str) -> None:
    run(file, *arguments)

    assert price() == Decimal(expected)
    assert RateCard.objects.get().currency == ("EUR" if arguments[1:] else "USD")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--markup=0"], "markup must be above 0"),
        (["--markup-percent=-100"], "markup must be above 0"),
        (["--markup=twice"], "'twice' is no decimal number"),
        (["--markup=NaN"], "'NaN' is out of range"),
        (["--markup=1e99999999"], "'1e99999999' is out of range"),
        (["--markup=1", "--markup-percent=1"], "not allowed with argument"),
        (["--currency=dollars"], "currency must be one of ISO 4217"),
    ],
)
def test_what_nobody_means_is_refused(
    file: Path, arguments: list[str], problem: str
) -> None:
    assert problem in refusal(file, *arguments)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no JSON that can be read: Expecting value"),
        ("{'a': 1}", "is no JSON that can be read"),
        ("[" * 100_000, "is nested too deeply"),
        (f'{{"a": {"9" * 5000}}}', "is no JSON that can be read: "),
        ('{"a": 1e99999999999999999999}', "is no number of a possible size"),
        ("[]", "must be a JSON object that holds models"),
        ('"models"', "must be a JSON object that holds models"),
        ("{}", "must hold at least one model"),
        ('{"models": {}}', "must hold at least one model"),
        ('{"models": [null, [], 1, "x", {}]}', "must hold at least one model"),
        (LITELLM.replace("2.5e-06", "NaN").replace('"long"', '""'), "must hold at"),
        ('{"gpt": {"input_cost_per_token": 1e400}}', "must hold at least one model"),
        ('{"gpt": {"input_cost_per_token": "cheap"}}', "must hold at least one model"),
    ],
    ids=str,
)
def test_a_file_that_is_no_catalogue_is_refused(
    file: Path, text: str, problem: str
) -> None:
    file.write_text(text)

    assert problem in refusal(file)


def test_odd_models_are_left_out_and_named_on_any_terminal(file: Path) -> None:
    odd = r'"\ud800\u001b[2J": {"input_cost_per_token": 1}, "list": [], "text": "x",'
    file.write_text(LITELLM.replace("{", "{" + odd, 1))

    said = run(file, "-v", "2")

    assert r"'  \ud800\x1b[2J: model: has no valid prices" in said
    assert "  list: model: has no name, or no fields with prices" in said
    assert said.isascii()


def test_a_card_that_is_not_there_is_not_made_unasked(file: Path) -> None:
    with pytest.raises(CommandError, match="there is no rate card 'list'"):
        call_command("import_price_catalogue", str(file), "--card=list")
