"""Two hundred calls ask a real server at the same moment; the limits hold exactly."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
import requests

from billing.models import CallHold
from config.verification import verify_all
from ratelimits.models import RateLimit
from tests import make
from tests.billing import dollars
from tests.billing.limiting import limit
from tests.faults.test_kill import Server, running_server
from tests.http import event

pytestmark = [
    pytest.mark.fault,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
CALLS = 200
Body = dict[str, Any]


@dataclass
class Gateway:
    """Asks by many connections, each in a thread of its own."""

    url: str
    key: str

    def ask_at_once(self, bodies: Sequence[Body]) -> list[requests.Response]:
        barrier = Barrier(len(bodies), timeout=60)

        def ask(body: Body) -> requests.Response:
            barrier.wait()
            return self.post("admissions", body)

        with ThreadPoolExecutor(len(bodies)) as pool:
            return list(pool.map(ask, bodies))

    def post(self, path: str, body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return requests.post(
            f"{self.url}/v1/{path}", json=body, headers=headers, timeout=30
        )


def call(number: int, **more: Any) -> Body:
    return {
        "customer_id": "cus_abc123",
        "request_id": f"req_{number}",
        "model": dollars.MODEL,
        "input_tokens": 1,
        "max_output_tokens": 0,
    } | more


def codes(answers: Sequence[requests.Response]) -> dict[int, int]:
    return Counter(answer.status_code for answer in answers)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # However busy the machine: it is the gate that decides, not what stands in for it.
    monkeypatch.setenv("GATE_TIMEOUT_MILLISECONDS", "5000")
    with running_server(workers=2) as started:
        yield started
    assert not CallHold.objects.exists()


def rush(server: Server, bodies: Sequence[Body]) -> list[requests.Response]:
    return Gateway(server.url, make.service_key()).ask_at_once(bodies)


def test_of_two_hundred_on_a_balance_for_ten_ten_run(server: Server) -> None:
    customer = dollars.customer(credits="10")
    limit(customer, rpm=10_000)

    answers = rush(server, [call(number) for number in range(CALLS)])

    assert codes(answers) == {200: 10, 402: 190}
    assert {each.json()["limit_source"] for each in answers if not each.ok} == {
        "account_credits"
    }
    settle(server, answers)
    customer.wallet.refresh_from_db()
    assert customer.wallet.balance == 0
    assert [finding for finding in verify_all() if finding.differences] == []
    [more] = rush(server, [call(CALLS)])
    assert (more.status_code, more.json()["held"]) == (402, "0")


def settle(server: Server, answers: Sequence[requests.Response]) -> None:
    """Post the events of all calls that were admitted, at once."""
    events = [
        event(
            answer.json()["request_id"],
            timestamp=datetime.now(UTC).isoformat(),
            properties={"model": dollars.MODEL, "input_tokens": 1, "output_tokens": 0},
        )
        for answer in answers
        if answer.ok
    ]
    gateway = Gateway(server.url, make.service_key())
    with ThreadPoolExecutor(len(events)) as pool:
        posted = pool.map(lambda each: gateway.post("events", [each]), events)
        assert {answer.json()["accepted"] for answer in posted} == {1}


@pytest.mark.parametrize(
    ("sizes", "binds"),
    [
        # A refill takes six seconds: longer than the rush.
        ({"rpm": 10, "tpm": 10_000}, "requests"),
        ({"rpm": 10_000, "tpm": 10}, "tokens"),
        ({"rpm": 10_000, "tpm": 10_000, "concurrency": 10}, "concurrent_requests"),
    ],
)
def test_of_two_hundred_on_a_rate_for_ten_ten_run(
    server: Server, sizes: dict[str, int], binds: str
) -> None:
    dollars.customer(credits="1000")
    RateLimit.objects.filter(model="").update(**sizes)

    start = time.monotonic()
    answers = rush(server, [call(number) for number in range(CALLS)])

    admitted = codes(answers)[200]
    refused = [each for each in answers if not each.ok]
    assert {(each.status_code, each.json()["limit_source"]) for each in refused} == {
        (429, binds)
    }
    # On a slow machine one more may refill, six seconds after the first.
    refilled = 0 if "concurrency" in sizes else int(time.monotonic() - start) // 6
    assert 10 <= admitted <= 10 + refilled


def test_models_with_limits_of_their_own_and_a_shared_one_are_apart(
    server: Server,
) -> None:
    models = ["large", "small", "first-shared", "second-shared"]
    cards = "---\n".join(dollars.CARD.replace(dollars.MODEL, name) for name in models)
    plan = make.plan(card=make.rate_card(cards))
    customer = make.customer(plan=plan, credits="1000")
    limit(customer, rpm=10_000, concurrency=12)
    limit(customer, model="large", rpm=10_000, tpm=10_000, concurrency=3)
    limit(customer, model="small", rpm=10_000, tpm=10_000, concurrency=7)

    answers = rush(
        server, [call(number, model=models[number % 4]) for number in range(CALLS)]
    )

    ran = Counter(
        models[number % 4] for number, answer in enumerate(answers) if answer.ok
    )
    assert (ran["large"], ran["small"]) == (3, 7)
    assert ran["first-shared"] + ran["second-shared"] == 12


def test_one_call_asked_for_fifty_times_at_once_holds_once(server: Server) -> None:
    customer = dollars.customer(credits="10")
    limit(customer, rpm=10_000, concurrency=1)

    answers = rush(server, [call(1)] * 50)

    assert codes(answers) == {200: 50}
    assert Counter(each.json()["replayed"] for each in answers) == {False: 1, True: 49}
    assert {each.json()["held"] for each in answers} == {"1"}
    assert len({each.json()["expires_at"] for each in answers}) == 1
