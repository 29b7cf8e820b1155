"""`/v1/customers/{id}/auto-top-up`."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing.models import Customer
from invoices.models import AutoTopUp, PaymentMethod
from invoices.services.top_up_runs import start_top_up
from tests import make
from tests.billing.alerting import use
from tests.http import Answer, buying_key, get, pointers, put
from tests.invoices.topping_up import DECLINED, keep_card, run, topped_up

pytestmark = pytest.mark.django_db
PATH = "/v1/customers/cus_abc123/auto-top-up"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def method() -> PaymentMethod:
    """Return the kept card of a customer with 10 credits."""
    return keep_card(make.customer(credits="5"))


def switch_on(method: PaymentMethod, **changed: Any) -> Answer:
    body = {
        "is_on": True,
        "threshold": "8",
        "amount": "20",
        "monthly_maximum": "60",
        "payment_method": method.pk,
    }
    return put(PATH, body | changed)


class TestAutoTopUp:
    def test_is_off_before_it_was_agreed(self, method: PaymentMethod) -> None:
        assert get(PATH).json() == {
            "customer_id": "cus_abc123",
            "currency": "USD",
            "is_on": False,
            "terms": None,
            "bought_this_month": "0",
            "pending_invoice": None,
            "payment_methods": [{"id": method.pk, "label": "Test card ending in 4242"}],
        }

    def test_is_switched_on_with_its_terms(self, method: PaymentMethod) -> None:
        answer = switch_on(method)

        assert answer.status_code == 200
        body = answer.json()
        assert body["is_on"]
        assert body["terms"] == {
            "threshold": "8",
            "amount": "20",
            "monthly_maximum": "60",
            "payment_method": {"id": method.pk, "label": "Test card ending in 4242"},
            "off_because": "",
            "failures": 0,
            "retry_at": None,
            "capped_until": None,
        }
        assert AutoTopUp.objects.get().changed_by.startswith("api key app (tg_")

    def test_says_what_is_bought_and_what_is_pending(self) -> None:
        customer = topped_up()
        use("a")
        payment = start_top_up(customer_id=customer.pk, at=make.NOW)
        assert payment

        body = get(PATH).json()

        assert body["bought_this_month"] == "20"
        assert body["pending_invoice"] == payment.invoice.number

    def test_says_that_it_waits_after_a_decline(self) -> None:
        customer = topped_up(DECLINED)
        use("a")
        run(customer)

        terms = get(PATH).json()["terms"]

        assert (terms["failures"], terms["retry_at"]) == (1, "2026-11-15T13:00:00Z")

    def test_is_switched_off_without_terms(self, method: PaymentMethod) -> None:
        switch_on(method)

        body = put(PATH, {"is_on": False}).json()

        assert not body["is_on"]
        assert body["terms"]["off_because"] == "customer"

    @pytest.mark.parametrize(
        ("field", "value", "status"),
        [
            ("threshold", "1000000001", 422),
            ("threshold", "20.01", 422),
            ("amount", "4.99", 422),
            ("monthly_maximum", "19", 422),
            ("monthly_maximum", "1000.01", 422),
            ("payment_method", 0, 400),
            ("payment_method", "1", 400),
            ("payment_method", 1.0, 400),
            ("payment_method", True, 400),
            ("is_on", "true", 400),
            ("is_on", 1, 400),
            ("is_on", None, 400),
            ("payment_method", 10**9, 422),
            ("amount", 20, 400),
            ("threshold", "-1", 400),
            ("surprise", "x", 400),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, method: PaymentMethod, field: str, value: object, status: int
    ) -> None:
        answer = switch_on(method, **{field: value})

        assert answer.status_code == status
        assert pointers(answer) == [f"#/{field}"]
        assert not AutoTopUp.objects.exists()

    @pytest.mark.usefixtures("method")
    @pytest.mark.parametrize("body", ["[]", "1", '"on"', "null"])
    def test_is_an_object(self, body: str) -> None:
        answer = put(PATH, body)

        assert answer.status_code == 400
        assert pointers(answer) == ["#"]

    @pytest.mark.usefixtures("method")
    def test_names_what_is_missing(self) -> None:
        answer = put(PATH, {"is_on": True, "threshold": "8"})

        assert answer.status_code == 400
        missing = ["#/amount", "#/monthly_maximum", "#/payment_method"]
        assert sorted(pointers(answer)) == missing

    def test_knows_no_other_customers_card(self, method: PaymentMethod) -> None:
        other = make.customer(external_id="cus_other")

        answer = put(
            "/v1/customers/cus_other/auto-top-up",
            {
                "is_on": True,
                "threshold": "8",
                "amount": "20",
                "monthly_maximum": "60",
                "payment_method": method.pk,
            },
            key=buying_key(other),
        )

        assert answer.status_code == 422
        assert pointers(answer) == ["#/payment_method"]

    @pytest.mark.usefixtures("method")
    def test_of_another_customer_is_absent(self) -> None:
        other = make.customer(external_id="cus_other")

        assert get(PATH, key=make.customer_key(other)).status_code == 404
        answer = put(PATH, {"is_on": False}, key=buying_key(other))
        assert answer.status_code == 404

    @pytest.mark.usefixtures("method")
    def test_needs_the_scope_to_buy(self) -> None:
        reader = make.customer_key(Customer.objects.get())

        assert get(PATH, key=reader).status_code == 200
        headers = {"Authorization": f"Bearer {reader}"}
        assert Client().head(PATH, headers=headers).status_code == 200
        assert Client().head(PATH).status_code == 401
        assert put(PATH, {"is_on": False}, key=reader).status_code == 403
