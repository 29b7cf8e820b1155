"""What a customer agreed to beside its plan, from a date on."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Charge, Terms, UsageEvent, UsageRollup
from billing.pricing.discounts import DiscountError
from billing.services.rate_cards import CurrencyMismatchError, create_rate_card
from billing.services.terms import RetroactiveTermsError, agree_terms
from tests import audit, make
from tests.make import NOW

pytestmark = pytest.mark.django_db
SEED_COST = Decimal("0.014232")
DAY = timedelta(days=1)
OWN = make.SEED_CARD.replace("0.012", "0.006")


def cost(key: str = "a", **more: Any) -> Decimal:
    [outcome] = make.record(make.event(key, **more))
    assert outcome.cost is not None
    return outcome.cost


def test_a_percentage_is_taken_off_every_charge() -> None:
    make.terms(make.customer(credits="9"), discount="12.5")

    assert cost() == SEED_COST * Decimal("0.875")
    assert {charge.discount for charge in Charge.objects.all()} == {Decimal("0.875")}
    assert audit.differences() == []


def test_a_models_own_percentage_stands_instead() -> None:
    customer = make.customer(credits="9")
    make.terms(customer, discount="10", by_model={"text-gen-v3": "50"})

    assert cost() == SEED_COST / 2


def test_another_percentage_is_another_sum() -> None:
    customer = make.customer(credits="9")
    make.terms(customer, discount="10")
    make.terms(customer, discount="20", effective_from=NOW)

    cost("a", occurred_at=NOW - DAY)
    cost("b", occurred_at=NOW)

    discounts = UsageRollup.objects.order_by("pk").values_list("discount", flat=True)
    assert sorted(discounts) == [Decimal("0.8")] * 2 + [Decimal("0.9")] * 2
    assert audit.differences() == []


def test_the_terms_of_the_calls_own_time_count() -> None:
    customer = make.customer(credits="9")
    make.terms(customer, discount="50", effective_from=NOW)

    before = cost("a", occurred_at=NOW - timedelta(microseconds=1))

    assert before == SEED_COST
    assert cost("b", occurred_at=NOW) == SEED_COST / 2


def test_a_card_of_ones_own_prices_its_models_and_the_plans_card_the_rest() -> None:
    both = make.SEED_CARD + "---\n" + OWN.replace("v3", "v4")
    plan = make.plan(card=make.rate_card(both))
    customer = make.customer(credits="9", plan=plan)
    own = make.rate_card(OWN)
    make.terms(customer, card=own)

    cost("a")
    cost("b", model="text-gen-v4")

    cards = dict(
        UsageEvent.objects.values_list("idempotency_key", "version__rate_card")
    )
    assert cards == {"a": own.pk, "b": plan.rate_card_id}
    assert audit.differences() == []


def test_a_card_of_ones_own_without_a_version_yet_prices_nothing() -> None:
    customer = make.customer(credits="9")
    empty = create_rate_card(code="own", name="Own", currency="USD")
    make.terms(customer, card=empty)

    assert cost() == SEED_COST


def test_terms_are_never_of_the_past() -> None:
    customer = make.customer()

    with pytest.raises(RetroactiveTermsError, match="2026-11-14 12:00 is past"):
        agree_terms(
            customer=customer, effective_from=NOW - DAY, reason="r", by="ada", at=NOW
        )

    assert not Terms.objects.exists()


def test_a_card_in_another_currency_is_refused() -> None:
    euros = create_rate_card(code="eur", name="Euro", currency="EUR")

    with pytest.raises(CurrencyMismatchError, match="in EUR, the wallet in USD"):
        make.terms(make.customer(), card=euros)


@pytest.mark.parametrize("percent", ["-1", "100.1", "NaN", "1.00001"])
def test_a_percentage_is_from_0_to_100(percent: str) -> None:
    with pytest.raises(DiscountError):
        make.terms(make.customer(), discount=percent)


def test_terms_name_themselves() -> None:
    terms = make.terms(make.customer(), effective_from=NOW)

    assert str(terms) == "Example Labs (cus_abc123) from 2026-11-15 12:00"
