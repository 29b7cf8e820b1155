"""How far a wallet may be overdrawn, as an operator sets it on its customer's page."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Customer
from tests import make
from tests.admin_pages import staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    return make.customer(credit_limit="20")


def page_of(customer: Customer) -> str:
    return f"/admin/billing/customer/{customer.pk}/change/"


def form(customer: Customer, limit: str) -> dict[str, object]:
    return {
        "name": "Other Labs",
        "email": customer.email,
        "plan": customer.plan_id,
        "credit_limit": limit,
        "membership_set-TOTAL_FORMS": 0,
        "membership_set-INITIAL_FORMS": 0,
        "spend_caps-TOTAL_FORMS": 0,
        "spend_caps-INITIAL_FORMS": 0,
    }


def test_it_is_set_on_the_wallet(operator: Client, customer: Customer) -> None:
    operator.post(page_of(customer), form(customer, "7.25"))

    customer.refresh_from_db()
    assert customer.wallet.credit_limit == Decimal("7.25")
    assert customer.name == "Other Labs"


def test_it_stays_when_other_things_are_edited(
    operator: Client, customer: Customer
) -> None:
    with CaptureQueriesContext(connection) as queries:
        operator.post(page_of(customer), form(customer, "20"))

    customer.refresh_from_db()
    assert customer.wallet.credit_limit == 20
    # Nor is it written: that would wait for usage, which holds the wallet's lock.
    assert not [each for each in queries if 'UPDATE "ledger_wallet"' in each["sql"]]
    assert customer.name == "Other Labs"


def test_it_is_shown_with_the_digits_it_has(
    operator: Client, customer: Customer
) -> None:
    page = operator.get(page_of(customer)).content.decode()

    assert 'name="credit_limit" value="20"' in page


@pytest.mark.parametrize(
    "limit", ["-1", "", "NaN", "1E3", "1" * 20, "0.0000000000000000001"]
)
def test_what_cannot_be_one_is_refused(
    operator: Client, customer: Customer, limit: str
) -> None:
    response = operator.post(page_of(customer), form(customer, limit))

    customer.refresh_from_db()
    assert "credit_limit" in response.context["adminform"].form.errors
    assert customer.wallet.credit_limit == 20


def test_the_highest_one_can_be_stored(operator: Client, customer: Customer) -> None:
    operator.post(page_of(customer), form(customer, "9" * 19))

    customer.wallet.refresh_from_db()
    assert customer.wallet.credit_limit == int("9" * 19)


def test_who_may_only_look_sees_it(customer: Customer) -> None:
    viewer = staff("viewer", "view_customer")

    page = viewer.get(page_of(customer)).content.decode()

    assert 'name="credit_limit"' not in page
    assert ">20<" in page.replace(" ", "").replace("\n", "")
