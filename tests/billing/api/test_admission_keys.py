"""Whose call it is, by the customer's own key in the body of an admission."""

from typing import Any

import pytest

from billing.models import Customer
from billing.services.customers import revoke_api_key
from tests import make
from tests.billing import dollars
from tests.http import Answer, admit

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits for two calls."""
    return dollars.customer(credits="10")


class TestAKeyInTheBody:
    @pytest.fixture
    def own(self, customer: Customer) -> str:
        return make.customer_key(customer)

    def ask(self, secret: str, **more: Any) -> Answer:
        call = {"request_id": "req_1", "model": dollars.MODEL, "input_tokens": 1}
        return admit(call | {"max_output_tokens": 1, "api_key": secret} | more)

    def test_says_whose_call_it_is(self, own: str) -> None:
        answer = self.ask(own)

        assert answer.status_code == 200
        assert answer.json()["customer_id"] == "cus_abc123"

    def test_may_be_said_beside_its_customer(self, own: str) -> None:
        assert self.ask(own, customer_id="cus_abc123").status_code == 200

    def test_is_not_another_customers(self, own: str) -> None:
        make.customer(external_id="cus_other")

        answer = self.ask(own, customer_id="cus_other")

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/customer_id"

    @pytest.mark.parametrize("wrong", ["service", "unknown", "cut", "revoked"])
    def test_has_to_be_a_customers_that_is_in_force(self, own: str, wrong: str) -> None:
        secret = {
            "service": make.service_key(),
            "unknown": "tg_none.secret",
            "cut": own[:-1],
            "revoked": own,
        }[wrong]
        if wrong == "revoked":
            revoke_api_key(key=make.key_of(own), at=make.NOW)

        answer = self.ask(secret)

        assert (answer.status_code, answer.json()["code"]) == (401, "unknown_api_key")
        assert own not in answer.content.decode()

    def test_tells_calls_by_two_keys_apart(self, own: str, customer: Customer) -> None:
        self.ask(own)

        assert self.ask(make.customer_key(customer)).status_code == 422
