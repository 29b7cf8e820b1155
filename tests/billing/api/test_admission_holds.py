"""What an admitted call holds, until its event, a release, or its time ends it."""

import time

import pytest

from billing.models import CallHold, Customer
from tests import make
from tests.billing import dollars
from tests.billing.api.asking import ask, held, use
from tests.billing.limiting import limit
from tests.http import extend, release

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits for two calls."""
    customer = dollars.customer(credits="10")
    limit(customer, rpm=1000, tpm=10_000)
    return customer


@pytest.mark.usefixtures("customer")
class TestAHold:
    def test_is_beside_what_others_hold(self) -> None:
        first, second, third = ask(1), ask(2, tokens=3), ask(3, tokens=3)

        assert first.json()["held"] == "5"
        assert second.json()["held"] == "8"
        assert second.json()["spendable"] == "2"
        assert (third.status_code, third.json()["spendable"]) == (402, "2")
        assert third.json()["balance"] == "10"

    def test_asked_for_by_the_same_id_is_another_only_if_the_call_is(self) -> None:
        ask(1)

        answer = ask(1, tokens=4)

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/request_id"
        assert held() == "5"

    def test_by_the_same_id_is_apart_for_each_customer(self) -> None:
        make.customer(
            external_id="cus_other", plan=Customer.objects.get().plan, credits="5"
        )
        ask(1)

        answer = ask(1, tokens=4, customer_id="cus_other")

        assert (answer.status_code, answer.json()["held"]) == (200, "4")

    def test_needs_no_room_when_it_is_asked_for_again(self) -> None:
        ask(1, tokens=10)

        again = ask(1, tokens=10)

        assert (again.status_code, again.json()["held"]) == (200, "10")

    def test_is_made_in_redis_and_not_in_postgresql(self) -> None:
        ask(1)

        assert not CallHold.objects.exists()


@pytest.mark.usefixtures("customer")
class TestARelease:
    def test_gives_the_credits_back(self) -> None:
        ask(1, tokens=10)

        assert release("req_1").status_code == 204
        assert held() == "0"
        assert ask(2, tokens=10).status_code == 200

    def test_may_be_asked_for_again_and_gives_back_once(self) -> None:
        ask(1)
        ask(2)

        assert [release("req_1").status_code for _ in range(3)] == [204] * 3
        assert held() == "5"

    def test_of_what_holds_nothing_is_done_too(self) -> None:
        assert release("req_none").status_code == 204

    def test_lets_the_same_call_be_admitted_again(self) -> None:
        ask(1)
        release("req_1")

        again = ask(1)

        assert (again.status_code, again.json()["replayed"]) == (200, False)
        assert held() == "5"

    def test_lets_another_call_have_the_id(self) -> None:
        ask(1)
        release("req_1")

        assert ask(1, tokens=3).json()["held"] == "3"

    def test_is_only_for_ones_own_calls(self) -> None:
        ask(1)
        key = make.customer_key(make.customer(external_id="cus_other"))

        real, unreal, own = (
            release("req_1", customer=name, key=key)
            for name in ("cus_abc123", "cus_none", "cus_other")
        )

        assert real.status_code == unreal.status_code == 404
        assert own.status_code == 204
        assert held() == "5"

    def test_of_nobody_is_not_found(self) -> None:
        assert release("req_1", customer="cus_none").status_code == 404


@pytest.mark.usefixtures("customer")
class TestAnExtension:
    def test_lets_it_last_from_now_on(self) -> None:
        first = ask(1).json()["expires_at"]
        time.sleep(0.002)

        answer = extend("req_1")

        assert answer.status_code == 200
        assert answer.json()["request_id"] == "req_1"
        assert answer.json()["expires_at"] > first
        assert held() == "5"

    @pytest.mark.parametrize("ended", ["never", "released", "settled"])
    def test_of_what_holds_nothing_is_not_found(self, ended: str) -> None:
        if ended != "never":
            ask(1)
        if ended == "released":
            release("req_1")
        if ended == "settled":
            use(1, 5)

        assert extend("req_1").status_code == 404

    def test_is_only_for_ones_own_calls(self) -> None:
        ask(1)
        key = make.customer_key(make.customer(external_id="cus_other"))

        assert extend("req_1", key=key).status_code == 404
        assert extend("req_1", customer="cus_other", key=key).status_code == 404
