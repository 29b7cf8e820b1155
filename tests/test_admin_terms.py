"""How operators enter what a customer agreed to, and what its plan is made of."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Customer, Plan, RateCard, Terms
from billing.services.rate_cards import create_rate_card
from tests import make

pytestmark = pytest.mark.django_db
ADD = "/admin/billing/terms/add/"
SEED_COST = Decimal("0.014232")


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits."""
    return make.customer(credits="10")


def add(client: Client, customer: Customer, **changes: object) -> str:
    form = {"customer": customer.pk, "discount_percent": "10", "reason": "agreed"}
    response = client.post(ADD, form | changes, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def cost_now() -> Decimal | None:
    at = timezone.now()
    [outcome] = make.record(make.event("now", occurred_at=at), at=at)
    return outcome.cost


class TestTerms:
    def test_without_a_date_begin_now(
        self, operator: Client, customer: Customer
    ) -> None:
        page = add(operator, customer)

        terms = Terms.objects.get()
        assert f"{terms.effective_from:%Y-%m-%d %H:%M}" in page
        assert terms.actor == "operator"
        assert cost_now() == SEED_COST * Decimal("0.9")

    def test_may_discount_single_models(
        self, operator: Client, customer: Customer
    ) -> None:
        add(operator, customer, discounts_by_model="text-gen-v3: 50\n\n a:b : 12.50\n")

        discounts = Terms.objects.get().model_discounts
        assert discounts == {"text-gen-v3": "50", "a:b": "12.5"}
        assert cost_now() == SEED_COST / 2

    def test_may_name_a_card_of_ones_own(
        self, operator: Client, customer: Customer
    ) -> None:
        own = make.rate_card(make.SEED_CARD.replace("0.012", "0.006"))

        add(operator, customer, rate_card=own.pk, discount_percent="0")

        assert Terms.objects.get().rate_card == own
        assert cost_now() == SEED_COST - Decimal("0.006") * 1083 / 1000

    def test_are_shown_as_they_were_agreed(
        self, operator: Client, customer: Customer
    ) -> None:
        terms = make.terms(customer, discount="10", by_model={"a": "5", "b": "7.5"})

        page = operator.get(f"/admin/billing/terms/{terms.pk}/change/")

        text = page.content.decode()
        assert "10.0000" not in text
        assert "a: 5<br>b: 7.5" in text

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"discounts_by_model": "a: 5\na: 6"}, "“a” is on two lines."),
            ({"discounts_by_model": "a 5"}, "must be a model and a percentage"),
            ({"discounts_by_model": ": 5"}, "must be a model and a percentage"),
            ({"discounts_by_model": "a\0: 5"}, "must be a model and a percentage"),
            ({"discounts_by_model": "a: NaN"}, "must be a model and a percentage"),
            ({"discounts_by_model": "a: 101"}, "101 is no percentage"),
            ({"discount_percent": "101"}, "101 is no percentage"),
            ({"reason": "  "}, "This field is required."),
            (
                {"effective_from_0": "2026-01-01", "effective_from_1": "00:00"},
                "Calls of the past are priced already.",
            ),
        ],
    )
    def test_say_what_is_wrong(
        self,
        operator: Client,
        customer: Customer,
        changes: dict[str, str],
        problem: str,
    ) -> None:
        assert problem in add(operator, customer, **changes)
        assert not Terms.objects.exists()

    def test_take_no_card_in_another_currency(
        self, operator: Client, customer: Customer
    ) -> None:
        page = add(operator, customer, rate_card=_euros().pk)

        assert "The customer pays in USD." in page

    def test_begin_on_a_date(self, operator: Client, customer: Customer) -> None:
        day = f"{timezone.now() + timedelta(days=2):%Y-%m-%d}"

        add(operator, customer, effective_from_0=day, effective_from_1="00:00")

        assert Terms.objects.get().effective_from.isoformat() == f"{day}T00:00:00+00:00"


def test_a_plan_is_in_its_cards_currency(operator: Client) -> None:
    form = {
        "code": "pro",
        "name": "Pro",
        "currency": "USD",
        "monthly_fee": "0",
        "rate_card": _euros().pk,
        "rate_limit_policy": make.policy().pk,
        "mode": "prepaid",
        "at_zero": "block",
    }

    refused = operator.post("/admin/billing/plan/add/", form).content.decode()
    operator.post("/admin/billing/plan/add/", form | {"currency": "EUR"})

    assert "The plan is in USD, and this card in EUR." in refused
    assert Plan.objects.get().currency == "EUR"


def _euros() -> RateCard:
    return create_rate_card(code="euros", name="Euros", currency="EUR")
