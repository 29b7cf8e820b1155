"""`/v1/forward-auth` as a reverse proxy asks it, about each request."""

import json
import re
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import Customer, UsageEvent
from billing.models.plans import AtZero, Mode
from billing.services.customers import (
    CALLS_MAKE,
    CREDITS_BUY,
    EVENTS_WRITE,
    SCOPES,
    USAGE_READ,
    issue_api_key,
)
from tests import make
from tests.billing import dollars
from tests.http import Answer, event, pointers, post

pytestmark = pytest.mark.django_db
SAID = {
    "X-Tollgate-Model": dollars.MODEL,
    "X-Tollgate-Input-Tokens": "1",
    "X-Tollgate-Max-Output-Tokens": "4",
}


def key_of(customer: Customer, *scopes: str) -> str:
    issued = issue_api_key(name="app", scopes=scopes or [CALLS_MAKE], customer=customer)
    return issued.secret


def ask(
    key: str | None,
    said: dict[str, Any] = SAID,
    *,
    method: str = "GET",
    beneath: str = "",
    query: dict[str, Any] | None = None,
    more: dict[str, str] | None = None,
) -> Answer:
    """Ask about a request of which the proxy, or whoever calls it, says so much."""
    headers = {name: str(value) for name, value in said.items() if value is not None}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    response = Client(raise_request_exception=False).generic(
        method,
        f"/v1/forward-auth{beneath}",
        headers=headers | (more or {}),
        QUERY_STRING=urlencode(query or {}),
    )
    return cast("Answer", response)


@pytest.fixture
def key() -> str:
    """Return the key of a customer who has five dollars."""
    return key_of(dollars.customer())


class TestAnAdmittedRequest:
    def test_goes_on_with_whose_it_is(self, key: str) -> None:
        answer = ask(key)

        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["X-Tollgate-Customer"] == "cus_abc123"
        assert answer.headers["X-Tollgate-Api-Key"] == key.partition(".")[0]
        assert answer.headers["Cache-Control"] == "no-store"
        assert re.fullmatch("req_[0-9a-f]{32}", answer.headers["X-Request-Id"])

    def test_keeps_the_id_that_the_proxy_gave_it(self, key: str) -> None:
        answer = ask(key, more={"X-Request-Id": "trace-7"})

        assert answer.headers["X-Request-Id"] == "trace-7"

    @pytest.mark.parametrize(
        "method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    )
    def test_may_have_any_method(self, key: str, method: str) -> None:
        assert ask(key, method=method).status_code == 200
        assert ask(None, method=method).status_code == 401

    @pytest.mark.parametrize("beneath", ["/", "/v1/chat", "/../admissions", "/a%2Fb"])
    def test_may_have_its_path_appended(self, key: str, beneath: str) -> None:
        assert ask(key, method="POST", beneath=beneath).status_code == 200

    def test_shows_a_warning(self) -> None:
        key = key_of(dollars.customer(Mode.PREPAID, AtZero.WARN))

        answer = ask(key, SAID | {"X-Tollgate-Max-Output-Tokens": 5})

        assert answer.headers["Tollgate-Warning"] == "credits_exhausted"

    def test_costs_the_database_little_while_its_facts_are_fresh(
        self,
        key: str,
        django_assert_num_queries: DjangoAssertNumQueries,
        settings: Settings,
    ) -> None:
        settings.CALLER_CACHE_SECONDS = 60
        ask(key)

        # Whether the request id is a recorded call's; and, of one that credits refuse,
        # whether they are held by calls that the gate forgot.
        with django_assert_num_queries(2):
            answer = ask(key, SAID | {"X-Tollgate-Max-Output-Tokens": 9})

        assert answer.status_code == 402

    def test_says_how_its_rates_stand(self, key: str) -> None:
        headers = ask(key).headers

        assert headers["RateLimit"].startswith('"requests";r=59;t=1, "tokens"')
        assert headers["x-ratelimit-limit-requests"] == "60"


class TestARefusedRequest:
    def test_says_what_binds(self, key: str) -> None:
        answer = ask(key, SAID | {"X-Tollgate-Max-Output-Tokens": 5})

        assert answer.status_code == 402
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["limit_source"] == "account_credits"
        assert (problem["estimate"], problem["spendable"]) == ("6", "5")
        assert "X-Tollgate-Customer" not in answer.headers

    def test_has_no_price(self, key: str) -> None:
        answer = ask(key, SAID | {"X-Tollgate-Model": "new"})

        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_model")
        assert pointers(answer) == ["#/X-Tollgate-Model"]

    def test_has_a_context_that_has_no_price(self) -> None:
        key = key_of(make.customer(credits="50"))
        said = SAID | {
            "X-Tollgate-Model": "text-gen-v3",
            "X-Tollgate-Input-Tokens": 131_073,
        }

        answer = ask(key, said)

        assert answer.json()["code"] == "context_above_bands"
        assert pointers(answer) == ["#/X-Tollgate-Input-Tokens"]

    def test_has_no_price_at_this_time(self) -> None:
        plan = make.plan(card=make.rate_card(OUTPUT_IS_FREE))
        key = key_of(make.customer(plan=plan, credits="5"))

        answer = ask(key)

        assert (answer.status_code, answer.json()["code"]) == (
            422,
            "unpriced_dimension",
        )

    def test_has_the_id_of_a_call_that_was_made_before(self, key: str) -> None:
        properties = {"model": dollars.MODEL, "input_tokens": 1, "output_tokens": 1}
        post(event("trace-7", properties=properties))
        assert UsageEvent.objects.exists()

        said = SAID | {"X-Tollgate-Max-Output-Tokens": 1}
        answer = ask(key, said, more={"X-Request-Id": "trace-7"})

        assert (answer.status_code, answer.json()["code"]) == (409, "request_id_used")
        assert ask(key, said, more={"X-Request-Id": "trace-8"}).status_code == 200

    def test_has_the_id_of_a_call_that_is_in_flight(self, key: str) -> None:
        said = SAID | {"X-Tollgate-Max-Output-Tokens": 1}
        first, again = (
            ask(key, said, more={"X-Request-Id": "trace-7"}) for _ in range(2)
        )

        assert first.status_code == 200
        assert (again.status_code, again.json()["code"]) == (409, "request_id_used")

    def test_is_not_mistaken_for_another_customers(self, key: str) -> None:
        make.customer(external_id="cus_other")
        properties = {"model": "text-gen-v3", "input_tokens": 1, "output_tokens": 1}
        post(event("trace-7", customer_id="cus_other", properties=properties))

        assert ask(key, more={"X-Request-Id": "trace-7"}).status_code == 200


OUTPUT_IS_FREE = f"""\
model: {dollars.MODEL}
rates:
  - dimension: input_tokens
    unit: 1 token
    price_usd: 1
"""


class TestAKey:
    def test_may_come_as_other_sdks_send_it(self, key: str) -> None:
        assert ask(None, more={"X-Api-Key": key}).status_code == 200

    @pytest.mark.parametrize("other", ["Basic YTpi", "Bearer "])
    def test_may_come_beside_what_is_none(self, key: str, other: str) -> None:
        answer = ask(None, more={"X-Api-Key": key, "Authorization": other})

        assert answer.status_code == 200

    def test_in_authorization_counts_first(self, key: str) -> None:
        assert ask("tg_wrong.secret", more={"X-Api-Key": key}).status_code == 401

    @pytest.mark.parametrize(
        "headers",
        [{}, {"Authorization": "Bearer tg_wrong.secret"}, {"X-Api-Key": "wrong"}],
    )
    def test_is_required(self, headers: dict[str, str]) -> None:
        answer = ask(None, more=headers)

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_that_posts_events_may_make_calls_too(self) -> None:
        assert ask(key_of(dollars.customer(), EVENTS_WRITE)).status_code == 200

    @pytest.mark.parametrize("scope", [USAGE_READ, CREDITS_BUY])
    def test_needs_the_scope(self, scope: str) -> None:
        answer = ask(key_of(dollars.customer(), scope))

        assert answer.status_code == 403
        assert CALLS_MAKE in answer.json()["detail"]

    def test_of_a_service_makes_no_calls(self) -> None:
        service = issue_api_key(name="gateway", scopes=SCOPES).secret

        assert ask(service).status_code == 403

    def test_comes_by_no_other_header_elsewhere(self, key: str) -> None:
        response = Client().get("/v1/credit-packs", headers={"X-Api-Key": key})

        assert response.status_code == 401


class TestWhatIsSaid:
    @pytest.mark.parametrize("header", SAID)
    def test_is_required(self, key: str, header: str) -> None:
        answer = ask(key, SAID | {header: None})

        assert (answer.status_code, pointers(answer)) == (400, [f"#/{header}"])

    @pytest.mark.parametrize("text", ["", "-1", "1_000", "many", "NaN", "1e3"])
    @pytest.mark.parametrize("header", [*SAID][1:])
    def test_counts_exactly(self, key: str, header: str, text: str) -> None:
        answer = ask(key, SAID | {header: text})

        assert (answer.status_code, pointers(answer)) == (400, [f"#/{header}"])
        assert header in answer.json()["detail"]

    def test_may_be_said_by_the_address(self, key: str) -> None:
        query = {"model": dollars.MODEL, "input_tokens": 2, "max_output_tokens": 5}

        assert ask(key, {}, query=query).json()["estimate"] == "7"

    @pytest.mark.parametrize(("said", "estimate"), [(5, "9"), (1, "8"), (None, "8")])
    def test_is_at_least_what_the_address_says(
        self, key: str, said: int | None, estimate: str
    ) -> None:
        headers = SAID | {"X-Tollgate-Max-Output-Tokens": said}
        query = {"input_tokens": 4, "max_output_tokens": 4}

        assert ask(key, headers, query=query).status_code == 402
        assert ask(key, headers, query=query).json()["estimate"] == estimate

    def test_is_no_number_in_the_address(self, key: str) -> None:
        answer = ask(key, query={"max_output_tokens": "many"})

        assert (answer.status_code, pointers(answer)) == (
            400,
            ["#/X-Tollgate-Max-Output-Tokens"],
        )

    def test_is_of_the_model_that_the_address_says(self, key: str) -> None:
        headers = SAID | {"X-Tollgate-Model": "cheap"}

        assert ask(key, headers, query={"model": dollars.MODEL}).status_code == 200

    def test_is_not_said_by_an_address_that_was_appended(self, key: str) -> None:
        query = {"model": "new", "input_tokens": 9, "max_output_tokens": 9}

        assert ask(key, beneath="/v1/chat", query=query).status_code == 200


def test_the_schema_says_how_a_proxy_asks() -> None:
    response = Client().get("/v1/schema/?format=json")

    paths = json.loads(response.content)["paths"]
    assert [path for path in paths if "forward" in path] == ["/v1/forward-auth"]
    assert [*paths["/v1/forward-auth"]] == ["get"]
