"""What the database refuses of prices, events and charges."""

from decimal import Decimal

import psycopg
import pytest
from django.db import IntegrityError, transaction

from billing.models import ContextBand, Rate, RateCardVersion
from billing.pricing.yaml_form import parse_card
from billing.services.rate_cards import draft_version
from tests import make
from tests.raw import CHECKED, RESTRICTED, execute, owner_refusal, refusal

pytestmark = pytest.mark.django_db


def published() -> RateCardVersion:
    return make.rate_card().versions.get()


class TestAPublishedVersion:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE billing_ratecardversion SET effective_from = now()",
            "UPDATE billing_ratecardversion SET published_at = NULL",
            "DELETE FROM billing_ratecardversion",
            "UPDATE billing_rate SET price = 1",
            "UPDATE billing_rate SET unit = 1",
            "UPDATE billing_rate SET version_id = version_id + 1",
            "DELETE FROM billing_rate",
            "UPDATE billing_contextband SET multiplier = 1",
            "DELETE FROM billing_contextband",
        ],
    )
    def test_is_frozen_even_for_the_owner(self, statement: str) -> None:
        published()

        assert isinstance(refusal(statement), RESTRICTED)
        assert isinstance(owner_refusal(statement), RESTRICTED)

    def test_takes_no_more_prices(self) -> None:
        version = published()

        with pytest.raises(IntegrityError, match="are frozen: INSERT"):
            Rate.objects.create(
                version=version,
                model="new",
                dimension="images",
                unit=1,
                unit_name="image",
                price=Decimal(1),
            )

    def test_takes_no_more_bands(self) -> None:
        version = published()

        with pytest.raises(IntegrityError, match="are frozen: INSERT"):
            ContextBand.objects.create(
                version=version, model="new", max_tokens=1, multiplier=Decimal(1)
            )

    @pytest.mark.parametrize("model", [Rate, ContextBand])
    def test_takes_no_price_from_a_draft(
        self, model: type[Rate] | type[ContextBand]
    ) -> None:
        version = published()
        text = make.SEED_CARD.replace("text-gen-v3", "other")
        draft = draft_version(rate_card=version.rate_card, card=parse_card(text))

        with pytest.raises(IntegrityError, match="are frozen"), transaction.atomic():
            model._default_manager.filter(version=draft).update(version=version)

    def test_leaves_drafts_open(self) -> None:
        version = published()
        card = parse_card(make.SEED_CARD)
        draft = draft_version(rate_card=version.rate_card, card=card)

        assert Rate.objects.filter(version=draft).update(price=1) == 2
        assert Rate.objects.filter(version=draft).delete()[0] == 2

    def test_has_a_date(self) -> None:
        version = RateCardVersion(rate_card=make.rate_card(), number=9)
        version.published_at = make.NOW

        with pytest.raises(IntegrityError, match="published_has_a_date"):
            version.save()


class TestAPrice:
    @pytest.mark.parametrize("price", ["NaN", "-1", "Infinity", "1000000000000"])
    def test_is_a_number_from_zero(self, price: str) -> None:
        error = _rate_refusal(price=price)

        assert error.diag.constraint_name == "billing_rate_price_not_negative"

    def test_is_for_at_least_one_unit(self) -> None:
        error = _rate_refusal(unit=0)

        assert error.diag.constraint_name == "billing_rate_unit_positive"

    @pytest.mark.parametrize("multiplier", ["NaN", "0", "-1", "Infinity"])
    def test_is_multiplied_by_a_number_above_zero(self, multiplier: str) -> None:
        error = refusal(
            "INSERT INTO billing_contextband (version_id, model, max_tokens,"
            " multiplier) VALUES (%s, 'm', 1, %s)",
            _draft().pk,
            multiplier,
        )

        assert error.diag.constraint_name == "billing_contextband_multiplier_positive"


def _draft() -> RateCardVersion:
    return draft_version(rate_card=make.rate_card(), card=parse_card(make.SEED_CARD))


def _rate_refusal(*, price: str = "1", unit: int = 1) -> psycopg.Error:
    return refusal(
        "INSERT INTO billing_rate (version_id, model, dimension, unit, unit_name,"
        " price) VALUES (%s, 'm', 'images', %s, 'image', %s)",
        _draft().pk,
        unit,
        price,
    )


EVENT = """
    INSERT INTO billing_usageevent
        (id, customer_id, idempotency_key, event_name, model, occurred_at, properties,
         version_id, amount, balance_after, period_start)
    VALUES (1, 1, 'raw', 'raw', 'm', now(), '{}', 1, %s, 0, now())
"""
CHARGE = """
    INSERT INTO billing_charge
        (event_id, customer_id, rate_id, model, dimension, quantity, unit, unit_name,
         unit_price, multiplier, amount, period_start, occurred_at)
    VALUES (1, 1, 1, 'm', 'images', %s, 1, 'image', 1, 1, %s, now(), now())
"""


def with_column(statement: str, column: str) -> str:
    """Return a statement that is given one more column, before the others."""
    named = statement.replace("(event_id", f"({column}, event_id")
    return named.replace("VALUES (", "VALUES (%s, ")


class TestAmounts:
    @pytest.mark.parametrize("amount", ["NaN", "-1", "10000000000000000000"])
    def test_of_events_are_numbers_from_zero(self, amount: str) -> None:
        error = refusal(EVENT, amount)

        assert isinstance(error, CHECKED)
        assert error.diag.constraint_name == "billing_usageevent_amount_not_negative"

    @pytest.mark.parametrize(
        ("quantity", "amount"),
        [("NaN", "1"), ("-1", "1"), ("1", "NaN"), ("1", "-1")],
    )
    def test_of_charges_are_numbers_from_zero(self, quantity: str, amount: str) -> None:
        error = refusal(CHARGE, quantity, amount)

        name = "billing_charge_negative_if_it_corrects"
        assert error.diag.constraint_name == name

    @pytest.mark.parametrize("discount", ["NaN", "-0.1", "1.1"])
    def test_are_discounted_by_a_part(self, discount: str) -> None:
        error = refusal(with_column(CHARGE, "discount"), discount, "1", "1")

        name = "billing_charge_discount_from_0_to_1"
        assert error.diag.constraint_name == name

    @pytest.mark.parametrize("column", ["billed", "flat"])
    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e19"])
    def test_are_made_of_numbers(self, column: str, number: str) -> None:
        error = refusal(with_column(CHARGE, column), number, "1", "1")

        name = "billing_charge_billed_and_flat_are_numbers"
        assert error.diag.constraint_name == name

    def test_that_are_zero_are_taken(self) -> None:
        assert execute(EVENT, "0") == 1
        assert execute(CHARGE, "0", "0") == 1


@pytest.mark.parametrize(("reason", "actor"), [("", "ada"), ("agreed", "")])
def test_terms_say_why_and_who(reason: str, actor: str) -> None:
    error = refusal(
        "INSERT INTO billing_terms (customer_id, effective_from, discount_percent,"
        " model_discounts, reason, actor) VALUES (%s, now(), 0, '{}', %s, %s)",
        make.customer().pk,
        reason,
        actor,
    )

    assert error.diag.constraint_name == "billing_terms_says_who_and_why"


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a\nb", "x" * 65, "é"])
def test_a_customer_has_a_printable_id(name: str) -> None:
    make.customer()

    error = refusal("UPDATE billing_customer SET external_id = %s", name)

    assert isinstance(error, CHECKED | psycopg.errors.StringDataRightTruncation)
