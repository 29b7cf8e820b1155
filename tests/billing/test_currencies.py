"""A customer has one currency: what is in another never meets the wallet."""

from decimal import Decimal

import pytest
from django.test import Client

from billing.models import Customer, Plan, QuarantinedEvent, User
from billing.queries.credits import get_credits
from billing.services.events import Status
from billing.services.rate_cards import create_rate_card
from ledger.models import Entry, Kind
from tests import make
from tests.raw import CHECKED, refusal

pytestmark = pytest.mark.django_db


def euro_plan() -> Plan:
    card = create_rate_card(code="euros", name="Euros", currency="EUR")
    return Plan.objects.create(
        code="euro",
        name="Euro",
        currency="EUR",
        monthly_fee=Decimal(100),
        rate_card=card,
        rate_limit_policy=make.policy(),
    )


def customer_with_euro_prices() -> Customer:
    customer = make.customer(credits="10")
    plan = customer.plan
    plan.rate_card = euro_plan().rate_card
    text = make.SEED_CARD.replace("price_usd", "price_eur")
    make.published_version(plan.rate_card, text, effective_from=make.NOW)
    plan.save()
    return customer


def test_usage_priced_in_another_currency_waits_and_uses_no_credits() -> None:
    customer = customer_with_euro_prices()

    [outcome] = make.record(make.event())

    credits = get_credits(customer=customer, at=make.NOW)
    assert outcome.status is Status.QUARANTINED
    assert QuarantinedEvent.objects.get().reason == "other_currency"
    assert make.row(credits.balance.currency, credits.balance.available) == ("USD", 10)
    assert not Entry.objects.filter(kind=Kind.USAGE).exists()


def test_packs_in_another_currency_are_not_for_sale() -> None:
    customer = make.customer(plan=euro_plan())
    make.pack()

    credits = get_credits(customer=customer, at=make.NOW)

    assert credits.balance.currency == "EUR"
    assert credits.packs == []


class TestAPlanInAnotherCurrency:
    def test_is_not_a_customers(self) -> None:
        make.customer()

        error = refusal("UPDATE billing_customer SET plan_id = %s", euro_plan().pk)

        assert isinstance(error, CHECKED)
        assert error.diag.constraint_name == "billing_customer_plan_in_wallets_currency"

    def test_is_not_a_new_customers(self) -> None:
        error = refusal(
            """
            INSERT INTO billing_customer
                (external_id, name, email, plan_id, wallet_id, time_zone)
            VALUES ('cus_raw', 'Raw', 'raw@example.com', %s, %s, 'UTC')
            """,
            euro_plan().pk,
            make.wallet().pk,
        )

        assert error.diag.constraint_name == "billing_customer_plan_in_wallets_currency"

    def test_is_not_what_a_plan_becomes(self) -> None:
        make.customer()

        error = refusal("UPDATE billing_plan SET currency = 'EUR'")

        assert "Cannot update rows" in str(error)


class TestTheAdmin:
    @pytest.fixture(autouse=True)
    def _operator(self, client: Client) -> None:
        client.force_login(User.objects.create_superuser(username="operator"))

    def test_says_that_a_plan_is_in_another_currency(self, client: Client) -> None:
        customer = make.customer()
        form = {
            "name": "Example Labs",
            "email": "billing@example.com",
            "plan": euro_plan().pk,
            "credit_limit": "0",
            "membership_set-TOTAL_FORMS": 0,
            "membership_set-INITIAL_FORMS": 0,
            "spend_caps-TOTAL_FORMS": 0,
            "spend_caps-INITIAL_FORMS": 0,
        }

        page = client.post(f"/admin/billing/customer/{customer.pk}/change/", form)

        assert "The customer pays in USD." in page.content.decode()

    def test_lets_a_plans_currency_stand(self, client: Client) -> None:
        plan = euro_plan()
        form = {
            "code": "euro",
            "name": "Euro and more",
            "currency": "USD",
            "monthly_fee": "100",
            "rate_card": plan.rate_card_id,
            "rate_limit_policy": plan.rate_limit_policy_id,
            "mode": "prepaid",
            "at_zero": "block",
        }

        client.post(f"/admin/billing/plan/{plan.pk}/change/", form)

        plan.refresh_from_db()
        assert (plan.name, plan.currency) == ("Euro and more", "EUR")

    def test_refuses_a_card_in_another_currency_later(self, client: Client) -> None:
        plan = euro_plan()
        form = {
            "code": "euro",
            "name": "Euro",
            "monthly_fee": "100",
            "rate_card": make.rate_card().pk,
            "rate_limit_policy": plan.rate_limit_policy_id,
            "mode": "prepaid",
            "at_zero": "block",
        }

        page = client.post(f"/admin/billing/plan/{plan.pk}/change/", form)

        message = "The plan is in EUR, and this card in USD."
        assert message in page.content.decode()
