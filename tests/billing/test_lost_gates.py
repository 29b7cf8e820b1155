"""What a gate may hold that is lost: spent by nobody else, and said to be held."""

from contextlib import suppress
from datetime import timedelta

import pytest
import redis
from pytest_django import Settings

from billing.models import LimitName
from billing.services.outage import HeldElsewhereError
from ratelimits.breaker import Breaker
from tests import http
from tests.billing import dollars
from tests.billing.calls import Lose, admit
from tests.make import NOW

pytestmark = pytest.mark.django_db
HELD = timedelta(seconds=300)
CALL = {
    "customer_id": "cus_abc123",
    "model": dollars.MODEL,
    "input_tokens": 0,
    "max_output_tokens": 3,
}


class TestWhatALostGateMayHold:
    def test_is_not_spent_and_said_to_be_held_elsewhere(self, lose_gate: Lose) -> None:
        customer = dollars.customer(credits="10")
        admit(customer, 2)
        lose_gate()

        # The gate has leased eight for more calls like that.
        assert admit(customer, 2).is_admitted
        with pytest.raises(HeldElsewhereError):
            admit(customer, 1)

    def test_is_no_failure_that_would_be_traced(
        self, lose_gate: Lose, caplog: pytest.LogCaptureFixture
    ) -> None:
        dollars.customer()
        http.admit(CALL | {"request_id": "req_1"})
        lose_gate()

        answer = http.admit(CALL | {"request_id": "req_2"})

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert [record for record in caplog.records if record.exc_info] == []

    def test_does_not_hide_that_there_are_no_credits(self, lose_gate: Lose) -> None:
        customer = dollars.customer(credits="10")
        admit(customer, 2)
        lose_gate()

        verdict = admit(customer, 11)

        assert verdict.limit_source == LimitName.ACCOUNT_CREDITS

    def test_is_held_elsewhere_too_when_the_gate_has_forgotten(
        self, settings: Settings
    ) -> None:
        customer = dollars.customer(credits="10")
        admit(customer, 2)
        redis.Redis.from_url(settings.REDIS_URL).flushdb()

        assert admit(customer, 2).is_admitted
        with pytest.raises(HeldElsewhereError):
            admit(customer, 8)
        assert admit(customer, 9).limit_source == LimitName.ACCOUNT_CREDITS

    def test_is_free_once_the_lease_has_ended(self, lose_gate: Lose) -> None:
        customer = dollars.customer(credits="10")
        admit(customer, 2)
        lose_gate()

        later = NOW + 3 * HELD

        assert admit(customer, 10, at=later).is_admitted

    def test_leaves_room_for_what_is_held_without_it(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        customer = dollars.customer()
        with monkeypatch.context() as away:
            away.setattr("ratelimits.server._BREAKER", Breaker(pause=60))
            url, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:9/0"
            admit(customer, 3)
        settings.REDIS_URL = url

        assert not admit(customer, 3).is_admitted
        assert admit(customer, 2).is_admitted


def test_a_lost_gate_and_postgresql_together_admit_what_the_balance_pays_for(
    lose_gate: Lose,
) -> None:
    customer = dollars.customer(credits="10")
    with_gate = [admit(customer, 1) for _ in range(3)]
    lose_gate()
    without = []
    with suppress(HeldElsewhereError):
        while True:
            without.append(admit(customer, 1))

    leased = sum(lease.amount for lease in customer.leases.all())

    assert all(verdict.is_admitted for verdict in [*with_gate, *without])
    assert leased + len(without) == 10
