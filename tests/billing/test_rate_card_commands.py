"""The commands with which an operator changes prices."""

import io
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from billing.models import RateCard, RateCardVersion
from billing.pricing.yaml_form import parse_card
from billing.queries.cards import load_card
from billing.services.rate_cards import create_rate_card
from tests import make
from tests.make import NOW
from tests.processes import manage

pytestmark = pytest.mark.django_db
DEARER = make.SEED_CARD.replace("0.012", "0.015")
ALL_OF_IT = """\
model: text-gen-v3
minimum_usd: 0.0001
rates:
  - dimension: input_tokens
    unit: 1000000 tokens
    price_usd: 3.00
  - dimension: input_tokens
    unit: 1000000 tokens
    price_usd: 1.5
    when:
      hours: [22:00-04:00, 12:00-13:00]
      service_class: batch
  - dimension: images
    unit: 1 image
    per_period: volume
    tiers:
      - up_to: 100
        price_usd: 2
      - price_usd: 1
  - dimension: context_window
    tiers:
      - below_tokens: 200000
        multiplier: 1.0
      - multiplier: 2
---
model: "*"
rates:
  - dimension: input_tokens
    unit: 1000000 tokens
    price_usd: 10
"""


@pytest.fixture
def card() -> RateCard:
    return create_rate_card(code="list", name="List", currency="USD")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(make.SEED_CARD)
    return path


def run(*arguments: object) -> str:
    output = StringIO()
    call_command(*map(str, arguments), stdout=output)
    return output.getvalue()


def refusal(*arguments: object) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return str(caught.value)


@pytest.mark.usefixtures("card")
class TestDraft:
    def test_stores_the_next_version(self, file: Path) -> None:
        said = run("draft_rate_card", "list", file)

        version = RateCardVersion.objects.get()
        assert said == "Drafted list v1. It is not published.\n"
        assert version.published_at is None
        assert load_card(version.pk) == parse_card(make.SEED_CARD)

    def test_reads_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text = io.BytesIO(b"\xef\xbb\xbf" + make.SEED_CARD.encode())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(text))

        assert "v1" in run("draft_rate_card", "list", "-")

    def test_makes_a_card_if_asked_to(self, file: Path) -> None:
        run("draft_rate_card", "eu-2027", file, "--create", "--name", "Europe")
        run("draft_rate_card", "plain", file, "--create")

        names = RateCard.objects.exclude(code="list").order_by("code")
        assert [str(each) for each in names] == ["Europe", "plain"]

    def test_refuses_a_card_that_is_not_there(self, file: Path) -> None:
        said = refusal("draft_rate_card", "typo", file)

        assert said == "Nothing was drafted: there is no rate card 'typo'."

    @pytest.mark.parametrize("code", ["", "two words", "x" * 51, "a/b"])
    def test_refuses_a_code_that_is_none(self, file: Path, code: str) -> None:
        assert "is no code" in refusal("draft_rate_card", code, file, "--create")

    def test_names_the_line_that_is_wrong(self, file: Path) -> None:
        file.write_text(make.SEED_CARD.replace("0.012", "cheap"))

        said = refusal("draft_rate_card", "list", file)

        assert said == f"{file}: line 8: price_usd must be a decimal number."
        assert RateCardVersion.objects.count() == 0

    def test_refuses_another_currency(self, file: Path) -> None:
        file.write_text(make.SEED_CARD.replace("usd", "eur"))

        said = refusal("draft_rate_card", "list", file)

        assert "the card is in USD, the prices in EUR" in said

    def test_refuses_a_file_that_cannot_be_read(self, file: Path) -> None:
        file.write_bytes(b"\xff")

        assert "is not written in UTF-8" in refusal("draft_rate_card", "list", file)
        assert "No such file" in refusal("draft_rate_card", "list", "no")


class TestExport:
    def test_comes_back_as_the_same_bytes(self, card: RateCard, file: Path) -> None:
        make.published_version(card, ALL_OF_IT, effective_from=NOW)
        exported = run("export_rate_card", "list")
        file.write_text(exported)

        run("draft_rate_card", "list", file)

        assert run("export_rate_card", "list", "--version", 2) == exported
        assert parse_card(exported) == parse_card(ALL_OF_IT)

    @pytest.mark.usefixtures("card")
    def test_refuses_a_card_without_a_published_version(self, file: Path) -> None:
        run("draft_rate_card", "list", file)

        said = refusal("export_rate_card", "list")

        assert "there is no published version of a rate card 'list'" in said


class TestDiff:
    def test_shows_prices_and_percentages(self, card: RateCard, file: Path) -> None:
        make.published_version(card, make.SEED_CARD, effective_from=NOW)
        file.write_text(
            DEARER.replace("    multiplier: 1.8", "    multiplier: 2")
            + "---\nmodel: new\nrates:\n  - dimension: images\n    unit: 1 image\n"
            "    price_usd: 2\n"
        )
        run("draft_rate_card", "list", file)

        assert run("diff_rate_card", "list") == DIFF

    def test_shows_prices_of_other_forms_line_by_line(
        self, card: RateCard, file: Path
    ) -> None:
        make.published_version(card, ALL_OF_IT, effective_from=NOW)
        file.write_text(ALL_OF_IT.replace("up_to: 100", "up_to: 200"))
        run("draft_rate_card", "list", file)

        lines = run("diff_rate_card", "list").splitlines()

        assert lines[3] == "  ~ images"
        assert "      -   - up_to: 100" in lines
        assert "      +   - up_to: 200" in lines

    def test_compares_any_two(self, card: RateCard, file: Path) -> None:
        make.published_version(card, make.SEED_CARD, effective_from=NOW)
        for text in (DEARER, make.SEED_CARD):
            file.write_text(text)
            run("draft_rate_card", "list", file)

        assert run("diff_rate_card", "list") == "List v1 → List v3: no change\n"
        said = run("diff_rate_card", "list", "--version", 1, "--with", 2)
        assert "~ output_tokens" in said
        assert "(-20%)" in said

    def test_says_that_there_is_nothing_to_follow(
        self, card: RateCard, file: Path
    ) -> None:
        assert "no version of a rate card 'list'" in refusal("diff_rate_card", "list")

        run("draft_rate_card", card.code, file)

        said = run("diff_rate_card", "list")
        assert said == (
            "List v1 follows no published version: there is nothing to compare.\n"
        )
        assert "no version 9" in refusal("diff_rate_card", "list", "--with", 9)


DIFF = """\
List v1 → List v2: 3 changes

text-gen-v3
  ~ output_tokens: $0.012 per 1,000 tokens → $0.015 per 1,000 tokens (+25%)
  ~ context up to 32,768 tokens: × 1.8 → × 2 (≈ +11.11%)

new
  + model
      + images: $2.00 per image
"""


class TestPublish:
    @pytest.fixture(autouse=True)
    def _draft(self, card: RateCard, file: Path) -> None:
        run("draft_rate_card", card.code, file)

    def test_puts_a_draft_in_force_now(self) -> None:
        said = run("publish_rate_card", "list", "--version", 1, "--by", "ada")

        version = RateCardVersion.objects.get()
        assert version.published_by == "ada"
        assert version.effective_from == version.published_at
        assert said == f"List v1 is in force from {_utc(version.effective_from)} UTC.\n"

    @pytest.mark.parametrize(
        "text", ["2999-01-01", "2999-01-01T00:00Z", "2999-01-01T01:00+01:00"]
    )
    def test_takes_a_date(self, text: str) -> None:
        said = publish(1, "--effective-from", text)

        assert said == "List v1 is in force from 2999-01-01 00:00 UTC.\n"

    def test_takes_the_date_that_the_draft_has(self) -> None:
        RateCardVersion.objects.update(effective_from=NOW + timedelta(days=9999))

        assert "from 2054-" in publish(1)

    @pytest.mark.parametrize("text", ["soon", "2026-13-01", "0001-01-01T00:00+09:00"])
    def test_refuses_what_is_no_date(self, text: str) -> None:
        said = refusal(*PUBLISH, 1, "--effective-from", text)

        assert "is no instant such as 2027-01-01T00:00Z" in said

    @pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\nb"])
    def test_refuses_what_is_no_name(self, name: str) -> None:
        said = refusal("publish_rate_card", "list", "--version", 1, "--by", name)

        assert "must be a name, of 200 characters at most" in said

    def test_refuses_to_change_the_past(self, card: RateCard, file: Path) -> None:
        publish(1, "--effective-from", "2026-01-01")
        file.write_text(DEARER)
        run("draft_rate_card", card.code, file)

        said = refusal(*PUBLISH, 2, "--effective-from", "2026-02-01")

        assert said == (
            "Nothing was published: 2026-02-01 00:00 is past: "
            "priced calls stay as they are."
        )

    def test_refuses_what_is_published_taken_or_not_there(self, file: Path) -> None:
        publish(1, "--effective-from", "2999-01-01")
        run("draft_rate_card", "list", file)

        assert "List v1 is published already" in refusal(*PUBLISH, 1)
        taken = refusal(*PUBLISH, 2, "--effective-from", "2999-01-01")
        assert "List v1 takes effect at 2999-01-01 00:00 already" in taken
        assert "no version 3" in refusal(*PUBLISH, 3)


PUBLISH = ("publish_rate_card", "list", "--by", "ada", "--version")


def publish(version: int, *arguments: str) -> str:
    return run(*PUBLISH, version, *arguments)


def _utc(at: datetime | None) -> str:
    assert at
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


@pytest.mark.django_db(transaction=True)
def test_a_version_is_named_on_the_command_line_too(card: RateCard) -> None:
    make.published_version(card, make.SEED_CARD, effective_from=NOW)

    finished = manage("export_rate_card", "list", "--version", "1")

    assert (finished.stderr, finished.returncode) == ("", 0)
    assert parse_card(finished.stdout) == parse_card(make.SEED_CARD)
