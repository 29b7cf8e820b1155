"""The client on its own, beside a Tollgate that does as it is told."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from ratelimits.enforcement.admissions import Admission, Call
from ratelimits.enforcement.client import TollgateClient
from tests.processes import ROOT
from tests.ratelimits.tollgate_fake import (
    CUSTOMER,
    CUSTOMERS_KEY,
    KEY,
    LIMITS,
    TollgateFake,
)


def ask(client: TollgateClient, request_id: str = "req_1", **more: Any) -> Admission:
    asked: dict[str, Any] = {
        "request_id": request_id,
        "model": "dollar-token",
        "input_tokens": 1,
        "max_output_tokens": 2,
        "customer_id": CUSTOMER,
    }
    return client.admit(**asked | more)


class TestAnAdmittedCall:
    def test_is_told_what_to_hand_on(self, tollgate: TollgateClient) -> None:
        told = ask(tollgate)

        assert (told.admitted, told.status, told.is_known) == (True, 200, True)
        assert (told.request_id, told.customer_id) == ("req_1", CUSTOMER)
        assert told.headers == LIMITS
        assert told.expires_at == datetime(2026, 11, 15, 12, 5, tzinfo=UTC)
        assert (told.limit_source, told.retry_after, told.problem) == (None, None, {})

    def test_is_asked_about_with_what_was_said(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        ask(tollgate, customer_id=None, api_key=CUSTOMERS_KEY, properties={"images": 1})

        [(method, path, body)] = fake.asked
        assert (method, path) == ("POST", "/v1/admissions")
        assert body == {
            "request_id": "req_1",
            "model": "dollar-token",
            "input_tokens": 1,
            "max_output_tokens": 2,
            "api_key": CUSTOMERS_KEY,
            "properties": {"images": 1},
        }

    def test_is_of_the_customer_whose_key_it_was(
        self, tollgate: TollgateClient
    ) -> None:
        told = ask(tollgate, customer_id=None, api_key=CUSTOMERS_KEY)

        assert told.customer_id == CUSTOMER

    def test_gives_back_what_was_held(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        ask(tollgate, "a/b?c")

        assert tollgate.release("a/b?c", CUSTOMER)
        assert fake.asked[1][1] == "/v1/admissions/a%2Fb%3Fc?customer_id=cus_abc123"
        assert fake.holds == {}

    def test_is_held_for_longer(self, tollgate: TollgateClient) -> None:
        ask(tollgate)

        until = tollgate.extend("req_1", CUSTOMER)

        assert until == datetime(2026, 11, 15, 12, 10, tzinfo=UTC)


class TestARefusedCall:
    def test_is_told_which_limit_binds(self, tollgate: TollgateClient) -> None:
        told = ask(tollgate, max_output_tokens=5)

        assert (told.admitted, told.status, told.is_known) == (False, 402, True)
        assert told.limit_source == "account_credits"
        assert told.problem["code"] == "payment_required"
        assert told.headers == LIMITS
        assert told.retry_after is None
        assert not told.has_hold

    def test_is_told_when_to_come_again(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        fake.is_too_fast = True

        told = ask(tollgate)

        assert (told.status, told.limit_source, told.retry_after) == (
            429,
            "requests",
            7,
        )
        assert told.headers["Retry-After"] == "7"

    def test_of_an_unknown_customer_is_refused(self, tollgate: TollgateClient) -> None:
        assert ask(tollgate, customer_id="cus_none").status == 404

    def test_of_a_customers_wrong_key_is_that_customers_fault(
        self, tollgate: TollgateClient
    ) -> None:
        told = ask(tollgate, customer_id=None, api_key="tg_wrong.secret")

        assert (told.admitted, told.status) == (False, 401)

    @pytest.mark.parametrize("when_unreachable", ["admit", "refuse"])
    def test_for_the_services_wrong_key_is_not_its_callers_fault(
        self,
        fake: TollgateFake,
        when_unreachable: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        client = TollgateClient(
            fake.url, "tg_wrong.secret", when_unreachable=when_unreachable
        )

        told = ask(client)

        assert (told.admitted, told.status) == (False, 503)
        assert "refuses the service's key: 401" in caplog.text
        client.close()

    def test_does_not_show_the_customers_key(self) -> None:
        call = Call(
            request_id="a", model="m", input_tokens=1, max_output_tokens=1, api_key=KEY
        )

        assert KEY not in repr(call)


class TestConnections:
    def test_are_kept(self, fake: TollgateFake, tollgate: TollgateClient) -> None:
        for number in range(20):
            ask(tollgate, f"req_{number}")
        tollgate.release("req_0", CUSTOMER)

        assert len(fake.asked) == 21
        assert fake.connections == 1
        assert fake.cookies == []

    def test_are_shared_by_threads(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        fake.funds = 300
        names = [f"req_{number}" for number in range(200)]
        with ThreadPoolExecutor(8) as threads:
            told = list(threads.map(lambda name: ask(tollgate, name), names))

        assert [each.request_id for each in told] == names
        assert sum(each.admitted for each in told) == 100
        assert sum(each.status == 402 for each in told) == 100
        assert fake.connections <= 8

    def test_that_are_cut_are_opened_again(
        self, fake: TollgateFake, tollgate: TollgateClient
    ) -> None:
        fake.funds = 6
        ask(tollgate, "req_1")
        fake.cut = 1

        assert ask(tollgate, "req_2").admitted
        assert fake.connections == 2
        assert [body["request_id"] for _, _, body in fake.asked] == [
            "req_1",
            "req_2",
            "req_2",
        ]

    def test_are_not_shared_with_a_fork(
        self,
        fake: TollgateFake,
        tollgate: TollgateClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        ask(tollgate, "req_1")
        process = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: process + 1)

        ask(tollgate, "req_2")

        assert fake.connections == 2


def test_what_the_environment_says_of_others_is_not_asked(
    tollgate: TollgateClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    assert ask(tollgate).admitted


@pytest.mark.parametrize("module", ["client", "wsgi", "asgi"])
def test_a_service_needs_none_of_our_frameworks(module: str) -> None:
    script = f"import sys, ratelimits.enforcement.{module}; print(*sys.modules)"

    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    ours = {"django", "rest_framework", "billing", "ledger", "ratelimits.models"}
    assert ours & set(found) == set()
    assert f"ratelimits.enforcement.{module}" in found
