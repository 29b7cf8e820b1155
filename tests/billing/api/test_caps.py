"""`/v1/customers/{id}/caps`."""

from decimal import Decimal
from typing import Any

import pytest

from billing.models import CapOwner, Customer, SpendCap
from billing.services.caps import MOST_CAPS
from billing.services.customers import (
    CAPS_WRITE,
    CREDITS_BUY,
    USAGE_READ,
    issue_api_key,
)
from tests import make
from tests.billing.capping import cap, named_key
from tests.http import delete, get, pointers, post_to

pytestmark = pytest.mark.django_db
PATH = "/v1/customers/cus_abc123/caps"
DAY = {"period": "day", "amount": "1.50"}


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits."""
    return make.customer(credits="10")


def key_for(customer: Customer | None = None) -> str:
    scopes = [USAGE_READ, CAPS_WRITE]
    return issue_api_key(name="capper", scopes=scopes, customer=customer).secret


def post(body: object, *, key: str = "", path: str = PATH) -> Any:
    return post_to(path, body, key=key or key_for())


class TestSetting:
    def test_answers_with_what_is_spent(self, customer: Customer) -> None:
        make.record(make.event())

        answer = post(DAY)

        assert answer.status_code == 200
        made = SpendCap.objects.get(customer=customer)
        assert made.actor.startswith("api key capper (tg_")
        assert answer.json() == {
            "id": made.pk,
            "period": "day",
            "model": None,
            "api_key": None,
            "amount": "1.5",
            "spent": "0.014232",
            "remaining": "1.485768",
            "resets_at": "2026-11-16T00:00:00Z",
            "set_by": "operator",
        }

    def test_may_be_of_a_key_and_a_model(self, customer: Customer) -> None:
        scope = {"api_key": named_key(customer).prefix, "model": "text-gen-v3"}

        answer = post({"period": "month", "amount": "0", "set_by": "customer"} | scope)

        assert answer.json() == scope | {
            "id": SpendCap.objects.get().pk,
            "period": "month",
            "amount": "0",
            "spent": "0",
            "remaining": "0",
            "resets_at": "2026-12-01T00:00:00Z",
            "set_by": "customer",
        }

    def test_leaves_nothing_where_more_is_spent(self, customer: Customer) -> None:
        make.record(make.event())

        answer = post({"period": "day", "amount": "0.01"}, key=key_for(customer))

        assert answer.json()["remaining"] == "0"

    def test_by_a_customers_key_sets_its_own(self, customer: Customer) -> None:
        cap(customer, "9", owner=CapOwner.OPERATOR)

        answer = post(DAY, key=key_for(customer))

        assert answer.json()["set_by"] == "customer"
        assert sorted(SpendCap.objects.values_list("set_by", "amount")) == [
            ("customer", Decimal("1.5")),
            ("operator", Decimal(9)),
        ]

    def test_by_a_customers_key_sets_no_operators(self, customer: Customer) -> None:
        answer = post(DAY | {"set_by": "operator"}, key=key_for(customer))

        assert (answer.status_code, pointers(answer)) == (400, ["#/set_by"])
        assert not SpendCap.objects.exists()

    def test_again_replaces_it(self, customer: Customer) -> None:
        key = key_for(customer)
        first = post(DAY, key=key).json()

        again = post(DAY | {"amount": "2", "model": None, "api_key": None}, key=key)

        assert again.json() == first | {"amount": "2", "remaining": "2"}

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"period": "week"}, "#/period"),
            ({"period": ["day"]}, "#/period"),
            ({"amount": 1}, "#/amount"),
            ({"amount": "-1"}, "#/amount"),
            ({"amount": "1e3"}, "#/amount"),
            ({"amount": None}, "#/amount"),
            ({"model": 7}, "#/model"),
            ({"model": "x" * 201}, "#/model"),
            ({"model": "a\0"}, "#/model"),
            ({"api_key": 7}, "#/api_key"),
            ({"api_key": "x" * 65}, "#/api_key"),
            ({"api_key": "a\0"}, "#/api_key"),
            ({"set_by": "me"}, "#/set_by"),
            ({"customer": "cus_other"}, "#/customer"),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, customer: Customer, change: dict[str, object], pointer: str
    ) -> None:
        answer = post(DAY | change)

        assert (answer.status_code, pointers(answer)) == (400, [pointer])
        assert not SpendCap.objects.filter(customer=customer).exists()

    @pytest.mark.parametrize("body", ["[]", "{", "{}", '{"period": "day"}'])
    def test_wants_a_period_and_an_amount(self, customer: Customer, body: str) -> None:
        assert post(body).status_code == 400
        assert not customer.spend_caps.exists()

    def test_beyond_bounds_makes_no_sense(self, customer: Customer) -> None:
        answer = post(DAY | {"amount": "1000000000.01"})

        assert (answer.status_code, pointers(answer)) == (422, ["#/amount"])
        assert not customer.spend_caps.exists()

    def test_knows_the_customers_keys_alone(self, customer: Customer) -> None:
        other = named_key(make.customer(external_id="cus_other"))
        secret = make.customer_key(customer)

        for name in (other.prefix, "tg_unknown1", secret):
            answer = post(DAY | {"api_key": name})

            assert (answer.status_code, pointers(answer)) == (422, ["#/api_key"])
            assert name not in answer.content.decode()
        assert not SpendCap.objects.exists()

    def test_stops_at_fifty(self, customer: Customer) -> None:
        for number in range(MOST_CAPS):
            cap(customer, model=f"model-{number}")

        answer = post(DAY, key=key_for(customer))

        assert answer.status_code == 409
        assert answer.json()["detail"] == "There are 50 caps: remove one first."


class TestReading:
    def test_lists_whoever_set_them(self, customer: Customer) -> None:
        make.record(make.event())
        cap(customer, "1", owner=CapOwner.OPERATOR)
        cap(customer, "2", model="gpt")

        body = get(PATH, key=make.customer_key(customer)).json()

        assert (body["customer_id"], body["currency"]) == ("cus_abc123", "USD")
        assert [(each["set_by"], each["spent"]) for each in body["caps"]] == [
            ("operator", "0.014232"),
            ("customer", "0"),
        ]

    def test_of_none_is_an_empty_list(self, customer: Customer) -> None:
        assert get(PATH).json()["caps"] == list(customer.spend_caps.all())


class TestRemoving:
    def test_by_its_id(self, customer: Customer) -> None:
        own = cap(customer)

        answer = delete(f"{PATH}/{own.pk}", key=key_for(customer))

        assert (answer.status_code, answer.content) == (204, b"")
        assert not SpendCap.objects.exists()
        again = delete(f"{PATH}/{own.pk}", key=key_for(customer))
        assert again.status_code == 404

    def test_of_an_operators_needs_a_service_key(self, customer: Customer) -> None:
        theirs = cap(customer, owner=CapOwner.OPERATOR)

        refused = delete(f"{PATH}/{theirs.pk}", key=key_for(customer))

        assert refused.status_code == 403
        assert SpendCap.objects.get() == theirs
        assert delete(f"{PATH}/{theirs.pk}", key=key_for()).status_code == 204

    @pytest.mark.usefixtures("customer")
    def test_of_a_number_beyond_all_finds_none(self) -> None:
        assert delete(f"{PATH}/{10**30}", key=key_for()).status_code == 404


class TestAnothersCaps:
    def test_are_absent(self, customer: Customer) -> None:
        own = cap(customer)
        key = key_for(make.customer(external_id="cus_other"))
        others = "/v1/customers/cus_other/caps"

        assert get(PATH, key=key).status_code == 404
        assert post(DAY, key=key).status_code == 404
        assert delete(f"{PATH}/{own.pk}", key=key).status_code == 404
        assert delete(f"{others}/{own.pk}", key=key).status_code == 404
        assert delete(f"{others}/{own.pk}", key=key_for()).status_code == 404
        assert SpendCap.objects.get() == own


def test_scopes_are_needed(customer: Customer) -> None:
    own = cap(customer)
    buyer = issue_api_key(name="buyer", scopes=[USAGE_READ, CREDITS_BUY]).secret
    writer = issue_api_key(name="writer", scopes=[CAPS_WRITE]).secret

    assert post(DAY, key=buyer).status_code == 403
    assert delete(f"{PATH}/{own.pk}", key=buyer).status_code == 403
    assert get(PATH, key=writer).status_code == 403
    assert SpendCap.objects.get() == own
