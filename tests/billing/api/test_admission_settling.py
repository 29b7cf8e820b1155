"""How the event of an admitted call, or time, ends what the call holds."""

import time
from typing import Any

import pytest
from pytest_django import Settings

from billing.models import Customer, Plan, UsageEvent
from billing.models.plans import AtZero
from ratelimits import limiter
from tests import make
from tests.billing import dollars
from tests.billing.api.asking import ask, held, left, use
from tests.billing.limiting import limit

pytestmark = pytest.mark.django_db
# The same payload as `dollars.use(5)`.
SAME: dict[str, Any] = {
    "timestamp": make.NOW.isoformat(),
    "properties": make.event().properties
    | {"model": dollars.MODEL, "input_tokens": 0, "output_tokens": 5},
}


@pytest.fixture
def customer() -> Customer:
    """Return a customer with credits for two calls."""
    customer = dollars.customer(credits="10")
    limit(customer, rpm=1000, tpm=10_000)
    return customer


@pytest.fixture
def _brief(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let holds end at once."""
    settings.HOLD_SECONDS = 0
    monkeypatch.setattr(limiter, "GRACE", 1)


def expire() -> None:
    time.sleep(0.005)


class TestEdgeCase47AHoldEndsOnceAndItsCallIsChargedOnce:
    def test_what_is_held_beyond_the_cost_is_free_at_once(
        self, customer: Customer
    ) -> None:
        ask(1, tokens=10)

        use(1, 4)

        customer.wallet.refresh_from_db()
        assert customer.wallet.balance == 6
        answer = ask(2, tokens=6)
        assert (answer.status_code, answer.json()["balance"]) == (200, "6")
        assert answer.json()["held"] == "6"

    def test_what_was_used_beyond_the_hold_is_charged(self, customer: Customer) -> None:
        ask(1)

        assert use(1, 12).json()["cost"] == "12"

        customer.wallet.refresh_from_db()
        assert customer.wallet.balance == -2
        refused = ask(2, tokens=1).json()
        assert (refused["held"], refused["spendable"]) == ("0", "-2")

    def test_settling_twice_charges_once(self, customer: Customer) -> None:
        ask(1)
        ask(2)

        answers = [use(1, 5).json()["status"] for _ in range(3)]

        customer.wallet.refresh_from_db()
        assert answers == ["accepted", "duplicate", "duplicate"]
        assert customer.wallet.balance == 5
        assert held() == "5"

    def test_a_duplicate_settles_what_was_not_settled(self) -> None:
        customer = dollars.customer(credits="15")
        make.record(dollars.use(5))
        ask(1)

        # As if the server had been killed between the ledger and the gate.
        assert use(1, 5, **SAME).json()["status"] == "duplicate"

        assert held() == "0"
        customer.wallet.refresh_from_db()
        assert customer.wallet.balance == 10

    @pytest.mark.usefixtures("_brief")
    def test_one_that_expired_frees_its_credits(self, customer: Customer) -> None:
        ask(1, tokens=10)

        expire()

        assert held() == "0"
        assert ask(2, tokens=10).status_code == 200
        assert UsageEvent.objects.filter(customer=customer).count() == 0

    @pytest.mark.usefixtures("_brief")
    def test_settling_after_it_expired_charges_still(self, customer: Customer) -> None:
        ask(1, tokens=5)
        expire()
        assert held() == "0"

        use(1, 4)

        customer.wallet.refresh_from_db()
        assert make.row(customer.wallet.balance, held()) == (6, "0")

    @pytest.mark.usefixtures("_brief")
    def test_settling_after_it_expired_corrects_its_tokens(
        self, customer: Customer
    ) -> None:
        limit(customer, rpm=1000, tpm=20)
        ask(1, tokens=9)
        expire()

        use(1, 2)

        assert ask(2, tokens=1).headers["x-ratelimit-remaining-tokens"] == "17"

    @pytest.mark.usefixtures("_brief", "customer")
    def test_one_that_expired_may_be_asked_for_again(self) -> None:
        ask(1)
        expire()

        assert ask(1, tokens=7).json()["replayed"] is False


@pytest.mark.usefixtures("customer")
class TestTheEvent:
    def test_of_a_call_that_was_not_asked_about_is_known_to_the_gate_at_once(
        self,
    ) -> None:
        ask(1, tokens=3)

        use(7, 5)

        answer = ask(2, tokens=3)
        assert (answer.status_code, answer.json()["spendable"]) == (402, "2")

    def test_ends_the_call_of_a_customer_that_credits_refuse_nothing(self) -> None:
        plan = Plan.objects.get()
        plan.at_zero = AtZero.WARN
        plan.save()
        limit(Customer.objects.get(), rpm=1000, tpm=20, concurrency=1)
        ask(1, tokens=20)

        use(1, 4)

        answer = ask(2, tokens=6)
        assert (answer.status_code, left(answer)) == (200, 10)
        assert answer.json()["held"] == "6"

    def test_of_a_stream_lets_calls_that_nothing_refuses_hold_on(self) -> None:
        Plan.objects.update(at_zero=AtZero.WARN)
        limit(Customer.objects.get(), rpm=1000, tpm=1000, concurrency=2)
        ask(1)
        ask(2)

        use(1, 2, stream={"sequence": 0, "final": False})

        assert ask(2).json()["replayed"]
        assert ask(3).json()["limit_source"] == "concurrent_requests"

    def test_that_cannot_be_priced_leaves_the_hold(self) -> None:
        ask(1)

        answer = use(1, 5, properties={"model": "new", "output_tokens": 5})

        assert answer.json()["status"] == "quarantined"
        assert held() == "5"

    def test_that_conflicts_holds_nothing_again(self) -> None:
        ask(1)
        use(1, 5)

        assert use(1, 4).json()["status"] == "conflict"
        assert held() == "0"

    def test_that_is_refused_leaves_the_hold(self) -> None:
        ask(1)

        use(1, 5, timestamp="2020-01-01T00:00:00Z")

        assert held() == "5"

    def test_of_a_stream_holds_on_until_its_end(self) -> None:
        first = ask(1).json()["expires_at"]
        time.sleep(0.002)

        opened = use(1, 2, stream={"sequence": 0, "final": False})

        assert opened.json()["status"] == "accepted"
        assert held() == "5"
        assert ask(1).json()["expires_at"] > first
        use(1, 1, stream={"sequence": 1, "final": True})
        assert held() == "0"
