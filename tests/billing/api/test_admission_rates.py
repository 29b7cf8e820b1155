"""Rates in what `POST /v1/admissions` answers: the headers, and what a 429 says."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import Customer
from tests import make
from tests.billing import dollars
from tests.billing.api.asking import ask, left
from tests.billing.limiting import limit
from tests.http import Answer, release
from tests.ratelimits.stored import clock, server

pytestmark = pytest.mark.django_db
FAMILIES = ("ratelimit", "x-ratelimit", "anthropic-ratelimit")
MINUTE = timedelta(minutes=1)


def rates(answer: Answer) -> dict[str, str]:
    """Return the headers that tell of rates, but for when one is full by the clock."""
    return {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower().startswith(FAMILIES) and not name.endswith("-reset")
    }


@pytest.fixture
def customer() -> Customer:
    """Return a customer that credits refuse nothing for a long time."""
    customer = dollars.customer(credits="100000")
    limit(customer, rpm=2, tpm=20)
    return customer


class TestTheHeaders:
    def test_say_what_is_left_in_three_families(self, customer: Customer) -> None:
        limit(customer, rpm=60, tpm=300)

        answer = ask()

        assert answer.status_code == 200
        assert "Retry-After" not in answer.headers
        assert rates(answer) == {
            "ratelimit-policy": (
                '"requests";q=60;w=60, "tokens";q=300;w=60;tollgate-unit="tokens"'
            ),
            "ratelimit": '"requests";r=59;t=1, "tokens";r=295;t=1',
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-limit-tokens": "300",
            "x-ratelimit-remaining-tokens": "295",
            "x-ratelimit-reset-tokens": "1s",
            "anthropic-ratelimit-requests-limit": "60",
            "anthropic-ratelimit-requests-remaining": "59",
            "anthropic-ratelimit-tokens-limit": "300",
            "anthropic-ratelimit-tokens-remaining": "295",
        }

    @pytest.mark.parametrize(
        ("tpm", "tokens", "reset"),
        [
            (300, 0, "0ms"),
            (60_000, 12, "12ms"),
            (60, 1, "1s"),
            (40, 1, "1.5s"),
            (1000, 1000, "1m0s"),
        ],
    )
    def test_say_when_all_is_full_as_openai_does(
        self, customer: Customer, tpm: int, tokens: int, reset: str
    ) -> None:
        limit(customer, rpm=60, tpm=tpm)

        headers = ask(tokens=tokens).headers

        assert headers["x-ratelimit-reset-requests"] == "1s"
        assert headers["x-ratelimit-reset-tokens"] == reset

    def test_say_when_all_is_full_as_anthropic_does(self, customer: Customer) -> None:
        limit(customer, rpm=60, tpm=20)
        before = real_now()

        headers = ask(tokens=20).headers

        requests, tokens = (
            datetime.fromisoformat(headers[f"anthropic-ratelimit-{kind}-reset"])
            for kind in ("requests", "tokens")
        )
        assert headers["anthropic-ratelimit-tokens-reset"].endswith("Z")
        assert requests >= before + timedelta(seconds=1)
        assert before + MINUTE <= tokens <= real_now() + MINUTE + timedelta(seconds=1)

    def test_say_how_many_more_may_run_at_once(self, customer: Customer) -> None:
        limit(customer, rpm=60, tpm=300, concurrency=3)

        headers = ask().headers

        assert headers["RateLimit-Policy"].endswith(
            ', "concurrent_requests";q=3;qu="concurrent-requests"'
        )
        assert headers["RateLimit"].endswith(', "concurrent_requests";r=2')

    def test_are_on_a_refusal_for_want_of_credits_too(self) -> None:
        customer = dollars.customer(credits="5")
        limit(customer, rpm=60, tpm=300)

        answer = ask(tokens=6)

        assert (answer.status_code, left(answer)) == (402, 300)
        assert answer.headers["RateLimit"] == '"requests";r=60, "tokens";r=300'
        assert answer.headers["x-ratelimit-reset-tokens"] == "0ms"
        assert len(rates(answer)) == 12
        assert "Retry-After" not in answer.headers

    def test_are_none_on_dedicated_capacity(self, customer: Customer) -> None:
        policy = customer.plan.rate_limit_policy
        policy.is_dedicated = True
        policy.save()

        answers = [ask(number, 1000) for number in range(3)]

        assert [answer.status_code for answer in answers] == [200] * 3
        assert rates(answers[-1]) == {}


def real_now() -> datetime:
    """Return the time by Redis, which no test can stop."""
    return datetime.fromtimestamp(clock(server()) / 1000, UTC)


class TestARefusedCall:
    @pytest.mark.usefixtures("customer")
    def test_is_told_what_binds_and_when_to_ask_again(self) -> None:
        ask(1, tokens=15)

        answer = ask(2, tokens=10)

        assert answer.status_code == 429
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem.pop("request_id").startswith("req_")
        assert problem == {
            "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "title": "Too Many Requests",
            "status": 429,
            "detail": "The limit of 20 tokens per minute is used up; "
            "ask again in 15 s.",
            "code": "rate_limited",
            "instance": "/v1/admissions",
            "limit_source": "tokens",
            "violated-policies": ["tokens"],
            "limit": {
                "name": "tokens",
                "model": dollars.MODEL,
                "size": 20,
                "used": 15,
                "remaining": 5,
                "asked": 10,
                "retry_after": 15,
            },
        }

    @pytest.mark.usefixtures("customer")
    def test_is_told_that_it_can_never_pass(self) -> None:
        problem = ask(1, tokens=21).json()

        assert problem["limit_source"] == "tokens"
        assert problem["detail"] == (
            "The call may take 21 tokens; never more than 20 may."
        )

    @pytest.mark.usefixtures("customer")
    def test_waits_for_what_it_asks_for_and_no_more(self) -> None:
        ask(1, tokens=15)

        answer = ask(2, tokens=10)

        # The request that was taken would refill in half a minute: it is not wanted.
        assert answer.headers["Retry-After"] == "15"
        assert answer.headers["RateLimit"] == '"requests";r=1, "tokens";r=5;t=15'
        assert len(rates(answer)) == 12

    @pytest.mark.parametrize("tokens", [1, 5, 20, 21])
    def test_is_never_told_to_ask_before_what_it_asks_for_is_there(
        self, customer: Customer, tokens: int
    ) -> None:
        limit(customer, rpm=60, tpm=20)
        ask(1, tokens=20)

        answer = ask(2, tokens=tokens)

        # A token is back every three seconds; more than the limit never is.
        waits = min(tokens, 20) * 3
        assert answer.status_code == 429
        assert f'"tokens";r=0;t={waits}' in answer.headers["RateLimit"]
        assert answer.headers["Retry-After"] == str(waits)

    def test_is_told_of_every_limit_that_refuses_it(self, customer: Customer) -> None:
        limit(customer, rpm=1, tpm=5, concurrency=1)
        ask(1)

        problem = ask(2).json()

        violated = ["requests", "tokens", "concurrent_requests"]
        assert problem["violated-policies"] == violated
        assert problem["limit_source"] == "requests"
        assert problem["limit"]["name"] == "requests"

    def test_waits_for_a_place_when_too_many_run_at_once(
        self, customer: Customer
    ) -> None:
        limit(customer, rpm=60, tpm=300, concurrency=1)
        ask(1)

        answer = ask(2)

        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
        assert answer.json()["limit"] == {
            "name": "concurrent_requests",
            "model": dollars.MODEL,
            "size": 1,
            "used": 1,
            "remaining": 0,
            "retry_after": 1,
        }
        release("req_1")
        assert ask(2).status_code == 200

    def test_takes_nothing_of_any_limit(self, customer: Customer) -> None:
        limit(customer, rpm=3, tpm=20)
        ask(1, tokens=15)

        refused = [ask(number, tokens=6) for number in range(2, 6)]

        assert {answer.status_code for answer in refused} == {429}
        answer = ask(9, tokens=5)
        assert (answer.status_code, left(answer), left(answer, "requests")) == (
            *(200, 0),
            1,
        )
        assert answer.json()["held"] == "20"

    def test_by_credits_and_rates_alike_is_to_pay_first(self) -> None:
        limit(dollars.customer(credits="5"), rpm=60, tpm=20)

        answer = ask(tokens=21)

        assert (answer.status_code, answer.json()["limit_source"]) == (
            402,
            "account_credits",
        )


class TestModels:
    def test_with_limits_of_their_own_count_apart(self, customer: Customer) -> None:
        limit(customer, model=dollars.MODEL, rpm=1, tpm=20)
        cards = dollars.CARD + "---\n" + dollars.CARD.replace(dollars.MODEL, "other")
        customer.plan.rate_card = make.rate_card(cards)
        customer.plan.save()

        codes = [
            ask(number, model=name).status_code
            for number, name in enumerate(
                [dollars.MODEL, "other", "other", dollars.MODEL, "other"]
            )
        ]

        # The shared limit is of two.
        assert codes == [200, 200, 200, 429, 429]
