"""What a version changes, and of which."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from billing.models import ContextBand, Rate, RateCard, RateCardVersion, RateTier
from billing.pricing.yaml_form import parse_card
from billing.queries.prices import (
    UnknownVersionError,
    find_followed_version,
    get_diff,
    get_published_version,
    get_version,
)
from billing.services.drafts import UnknownRateCardError, delete_draft, draft_prices
from billing.services.rate_cards import (
    AlreadyPublishedError,
    CurrencyMismatchError,
    InstantTakenError,
    create_rate_card,
    draft_version,
    publish_version,
)
from tests import make
from tests.make import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DEARER = make.SEED_CARD.replace("0.012", "0.015")
TIERED = """\
model: image-gen
rates:
  - dimension: images
    unit: 1 image
    per_period: graduated
    tiers:
      - up_to: 100
        price_usd: 2
      - price_usd: 1
"""


@pytest.fixture
def card() -> RateCard:
    return create_rate_card(code="list", name="List", currency="USD")


def draft(card: RateCard, text: str = make.SEED_CARD) -> RateCardVersion:
    return draft_version(rate_card=card, card=parse_card(text))


def published(card: RateCard, at: datetime) -> RateCardVersion:
    return make.published_version(card, make.SEED_CARD, effective_from=at)


class TestFollowedVersion:
    def test_of_a_draft_without_a_date_is_in_force_now(self, card: RateCard) -> None:
        now, _later = published(card, NOW - DAY), published(card, NOW + DAY)

        assert find_followed_version(version=draft(card), at=NOW) == now

    def test_of_a_draft_with_a_date_is_in_force_then(self, card: RateCard) -> None:
        _now, later = published(card, NOW - DAY), published(card, NOW + DAY)
        dated = draft(card)
        dated.effective_from = NOW + 2 * DAY

        assert find_followed_version(version=dated, at=NOW) == later

    def test_of_a_published_one_was_in_force_before(self, card: RateCard) -> None:
        first, second = published(card, NOW - DAY), published(card, NOW)
        published(card, NOW + DAY)

        assert find_followed_version(version=second, at=NOW + 5 * DAY) == first
        assert find_followed_version(version=first, at=NOW) is None

    def test_is_of_the_same_card(self, card: RateCard) -> None:
        make.rate_card()

        assert find_followed_version(version=draft(card), at=NOW) is None


class TestDiff:
    def test_is_what_the_next_version_changes(self, card: RateCard) -> None:
        first = published(card, NOW - DAY)

        diff = get_diff(version=draft(card, DEARER), at=NOW)

        (change,) = diff.changes
        assert diff.follows == first
        assert (change.what, change.percent) == ("output_tokens", "+25%")

    def test_of_the_first_version_is_empty(self, card: RateCard) -> None:
        diff = get_diff(version=draft(card), at=NOW)

        assert (diff.follows, diff.changes) == (None, ())

    def test_knows_which_version_ends_its_time(self, card: RateCard) -> None:
        published(card, NOW - DAY)
        later = published(card, NOW + DAY)

        assert get_diff(version=draft(card), at=NOW).until == later
        assert get_diff(version=later, at=NOW).until is None

    def test_may_be_with_any_other(self, card: RateCard) -> None:
        one, two = draft(card), draft(card, DEARER)

        assert get_diff(version=one, at=NOW, other=two).changes[0].percent == "-20%"


class TestGetVersion:
    def test_is_the_newest_or_the_one_asked_for(self, card: RateCard) -> None:
        one, two = published(card, NOW), draft(card)

        assert get_version(code="list") == two
        assert get_version(code="list", number=1) == one
        assert get_published_version(code="list") == one

    @pytest.mark.usefixtures("card")
    def test_refuses_what_is_not_there(self) -> None:
        with pytest.raises(UnknownVersionError, match="no version of a rate card 'li"):
            get_version(code="list")
        with pytest.raises(UnknownVersionError, match="no version 7 of a rate card"):
            get_version(code="list", number=7)
        with pytest.raises(UnknownVersionError, match="no published version"):
            get_published_version(code="list")


class TestDraftPrices:
    def test_makes_the_card_if_it_may(self) -> None:
        version = draft_prices(
            code="new", card=parse_card(make.SEED_CARD), name_if_new="New"
        )

        card = version.rate_card
        assert (card.code, card.name, card.currency) == ("new", "New", "USD")

    def test_refuses_a_card_that_is_not_there(self) -> None:
        with pytest.raises(UnknownRateCardError, match="no rate card 'new'"):
            draft_prices(code="new", card=parse_card(make.SEED_CARD))

    def test_keeps_the_name_of_a_card_that_is_there(self, card: RateCard) -> None:
        draft_prices(code="list", card=parse_card(make.SEED_CARD), name_if_new="X")

        card.refresh_from_db()
        assert card.name == "List"

    @pytest.mark.usefixtures("card")
    def test_refuses_another_currency(self) -> None:
        euros = make.SEED_CARD.replace("usd", "eur")

        with pytest.raises(CurrencyMismatchError):
            draft_prices(code="list", card=parse_card(euros), name_if_new="X")


class TestDeleteDraft:
    def test_takes_all_its_prices_with_it(self, card: RateCard) -> None:
        kept = draft(card)
        gone = draft(card, f"{make.SEED_CARD}---\n{TIERED}")

        delete_draft(version=gone)

        assert RateCardVersion.objects.get() == kept
        assert Rate.objects.count() == kept.rates.count() == 2
        assert ContextBand.objects.count() == kept.bands.count() == 3
        assert RateTier.objects.count() == 0

    def test_refuses_a_published_version(self, card: RateCard) -> None:
        version = published(card, NOW)

        with pytest.raises(AlreadyPublishedError, match="List v1 is published"):
            delete_draft(version=version)

    def test_frees_no_number_that_a_later_draft_has(self, card: RateCard) -> None:
        delete_draft(version=draft(card))
        second = draft(card)
        third = draft(card)
        delete_draft(version=second)

        assert draft(card).number == third.number + 1


class TestInstant:
    def test_is_that_of_one_version_alone(self, card: RateCard) -> None:
        published(card, NOW)

        with pytest.raises(InstantTakenError, match="List v1 takes effect at 2026-11"):
            publish_version(version=draft(card), effective_from=NOW, by="ada", at=NOW)

    def test_is_guarded_by_the_database_too(self, card: RateCard) -> None:
        published(card, NOW)
        second = RateCardVersion.objects.filter(pk=draft(card).pk)

        with (
            pytest.raises(IntegrityError, match="one_published_per_instant"),
            transaction.atomic(),
        ):
            second.update(effective_from=NOW, published_at=NOW)
