from datetime import datetime, timedelta

import pytest

from billing.models import ContextBand, Rate, RateCard, RateCardVersion
from billing.pricing.yaml_form import parse_card
from billing.queries.cards import load_card
from billing.queries.price_book import PriceBook
from billing.services.rate_cards import (
    AlreadyPublishedError,
    CurrencyMismatchError,
    InstantTakenError,
    RetroactivePriceError,
    create_rate_card,
    draft_version,
    publish_version,
)
from tests import make

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
YESTERDAY = make.NOW - DAY
TOMORROW = make.NOW + DAY
DEARER = make.SEED_CARD.replace("0.012", "0.013")
EXTENDED = (
    make.SEED_CARD
    + """\
---
model: image-gen
rates:
  - dimension: images
    unit: 1 image
    price_usd: 2
"""
)


def draft(card: RateCard, text: str = make.SEED_CARD) -> RateCardVersion:
    return draft_version(rate_card=card, card=parse_card(text))


def publish(version: RateCardVersion, effective_from: datetime) -> RateCardVersion:
    return publish_version(
        version=version, effective_from=effective_from, by="ada", at=make.NOW
    )


@pytest.fixture
def new_card() -> RateCard:
    return create_rate_card(code="standard", name="Standard", currency="USD")


class TestDraftVersion:
    def test_stores_every_price_as_it_is_written(self, new_card: RateCard) -> None:
        version = draft(new_card)

        rates = Rate.objects.filter(version=version).order_by("pk")
        bands = ContextBand.objects.filter(version=version).order_by("max_tokens")
        assert [(r.dimension, r.unit, r.unit_name) for r in rates] == [
            ("input_tokens", 1000, "tokens"),
            ("output_tokens", 1000, "tokens"),
        ]
        assert [str(rate.price) for rate in rates] == ["0.003", "0.012"]
        assert [str(band.multiplier) for band in bands] == ["1.0", "1.8", "3.2"]

    def test_is_read_back_as_the_same_card(self, new_card: RateCard) -> None:
        version = draft(new_card, EXTENDED)

        assert load_card(version.pk) == parse_card(EXTENDED)

    def test_numbers_versions_from_one(self, new_card: RateCard) -> None:
        assert [draft(new_card).number, draft(new_card).number] == [1, 2]

    def test_refuses_prices_in_another_currency(self, new_card: RateCard) -> None:
        euros = make.SEED_CARD.replace("price_usd", "price_eur")

        with pytest.raises(CurrencyMismatchError, match="in USD, the prices in EUR"):
            draft(new_card, euros)

    def test_is_not_in_force(self, new_card: RateCard) -> None:
        draft(new_card)

        assert PriceBook([new_card.pk]).find_version(new_card.pk, make.NOW) is None


class TestPublishVersion:
    def test_puts_a_draft_in_force_and_says_by_whom(self, new_card: RateCard) -> None:
        version = publish(draft(new_card), TOMORROW)

        version.refresh_from_db()
        assert version.effective_from == TOMORROW
        assert (version.published_at, version.published_by) == (make.NOW, "ada")

    def test_refuses_to_publish_twice(self, new_card: RateCard) -> None:
        version = publish(draft(new_card), TOMORROW)

        with pytest.raises(AlreadyPublishedError, match="Standard v1"):
            publish(version, TOMORROW + DAY)

    def test_takes_the_first_version_into_the_past(self, new_card: RateCard) -> None:
        assert publish(draft(new_card), YESTERDAY).effective_from == YESTERDAY

    def test_refuses_to_change_a_price_of_the_past(self, new_card: RateCard) -> None:
        publish(draft(new_card), YESTERDAY - DAY)

        with pytest.raises(RetroactivePriceError, match="2026-11-14 12:00 is past"):
            publish(draft(new_card, DEARER), YESTERDAY)

    def test_changes_a_price_from_now_on(self, new_card: RateCard) -> None:
        publish(draft(new_card), YESTERDAY)

        assert publish(draft(new_card, DEARER), make.NOW).published_at

    def test_takes_prices_that_were_missing_into_the_past(
        self, new_card: RateCard
    ) -> None:
        publish(draft(new_card), YESTERDAY - DAY)

        version = publish(draft(new_card, EXTENDED), YESTERDAY)

        book = PriceBook([new_card.pk])
        assert book.find_version(new_card.pk, YESTERDAY) == version.pk

    def test_takes_any_price_into_the_time_before_the_first(
        self, new_card: RateCard
    ) -> None:
        publish(draft(new_card), YESTERDAY)

        version = publish(draft(new_card, DEARER), YESTERDAY - DAY)

        book = PriceBook([new_card.pk])
        assert book.find_version(new_card.pk, YESTERDAY - DAY) == version.pk
        assert book.find_version(new_card.pk, YESTERDAY) != version.pk

    def test_refuses_two_versions_of_one_instant(self, new_card: RateCard) -> None:
        publish(draft(new_card), TOMORROW)

        with pytest.raises(InstantTakenError, match="Standard v1 takes effect at"):
            publish(draft(new_card, DEARER), TOMORROW)


class TestPriceBook:
    def test_chooses_the_version_of_the_time(self, new_card: RateCard) -> None:
        first = publish(draft(new_card), YESTERDAY)
        second = publish(draft(new_card, DEARER), TOMORROW)
        book = PriceBook([new_card.pk])

        times = [TOMORROW, TOMORROW - timedelta(microseconds=1), YESTERDAY]

        versions = [book.find_version(new_card.pk, at) for at in times]
        assert versions == [second.pk, first.pk, first.pk]

    def test_has_no_version_before_the_first(self, new_card: RateCard) -> None:
        publish(draft(new_card), make.NOW)

        assert PriceBook([new_card.pk]).find_version(new_card.pk, YESTERDAY) is None

    def test_knows_nothing_of_a_card_it_was_not_made_for(
        self, new_card: RateCard
    ) -> None:
        publish(draft(new_card), YESTERDAY)

        assert PriceBook([]).find_version(new_card.pk, make.NOW) is None


def test_prices_name_themselves(new_card: RateCard) -> None:
    version = draft(new_card)

    assert str(version) == "Standard v1"
    assert str(version.rates.first()) == "text-gen-v3 input_tokens"
    assert str(version.bands.first()) == "text-gen-v3 up to 8,192 tokens"


class TestPublishingACustomersOwnCard:
    def test_refuses_a_model_that_the_plan_has_priced(self, new_card: RateCard) -> None:
        publish(draft(new_card), YESTERDAY - DAY)
        make.terms(make.customer(), card=new_card)

        with pytest.raises(RetroactivePriceError, match="2026-11-14 12:00 is past"):
            publish(draft(new_card, EXTENDED), YESTERDAY)

    def test_refuses_its_first_version(self, new_card: RateCard) -> None:
        make.terms(make.customer(), card=new_card)

        with pytest.raises(RetroactivePriceError, match="2026-11-14 12:00 is past"):
            publish(draft(new_card), YESTERDAY)

    def test_takes_a_rate_that_was_missing(self, new_card: RateCard) -> None:
        publish(draft(new_card), YESTERDAY - DAY)
        make.terms(make.customer(), card=new_card)
        more = "  - dimension: images\n    unit: 1 image\n    price_usd: 1\n"

        version = publish(draft(new_card, make.SEED_CARD + more), YESTERDAY)

        assert version.effective_from == YESTERDAY

    def test_takes_a_model_from_now_on(self, new_card: RateCard) -> None:
        publish(draft(new_card), YESTERDAY)
        make.terms(make.customer(), card=new_card)

        assert publish(draft(new_card, EXTENDED), make.NOW).published_at

    def test_takes_any_model_before_the_terms_begin(self, new_card: RateCard) -> None:
        make.terms(make.customer(), card=new_card, effective_from=make.NOW)

        assert publish(draft(new_card), YESTERDAY).published_at
