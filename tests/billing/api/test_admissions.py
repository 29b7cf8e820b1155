"""`POST /v1/admissions` as a gateway asks it, before each call."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from billing.models import UsageEvent
from billing.models.plans import AtZero, Mode
from billing.services.customers import USAGE_READ, issue_api_key
from ledger.models import Entry
from tests import make
from tests.billing import dollars
from tests.http import admit

pytestmark = pytest.mark.django_db
CALL = {
    "customer_id": "cus_abc123",
    "request_id": "req_1",
    "model": dollars.MODEL,
    "input_tokens": 1,
    "max_output_tokens": 4,
}


def errors(body: object) -> tuple[int, list[tuple[str, str]]]:
    answer = admit(body)
    found = answer.json().get("errors", [])
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, [(each["code"], each["pointer"]) for each in found]


class TestAnAdmittedCall:
    def test_is_answered_with_what_it_may_cost(self) -> None:
        dollars.customer()

        answer = admit(CALL)

        assert answer.status_code == 200
        assert answer.json() == {
            "admitted": True,
            "request_id": "req_1",
            "customer_id": "cus_abc123",
            "estimate": "5",
            "currency": "USD",
            "balance": "5",
            "held": "5",
            "spendable": "0",
            "warning": None,
            "expires_at": answer.json()["expires_at"],
            "replayed": False,
        }
        assert "Tollgate-Warning" not in answer.headers

    @pytest.mark.parametrize(
        ("mode", "at_zero", "warning", "spendable"),
        [
            (Mode.PREPAID, AtZero.WARN, "credits_exhausted", "-1"),
            (Mode.HYBRID, AtZero.BLOCK, "overage", "19"),
        ],
    )
    def test_warns_in_body_and_header(
        self, mode: Mode, at_zero: AtZero, warning: str, spendable: str
    ) -> None:
        dollars.customer(mode, at_zero)

        answer = admit(CALL | {"max_output_tokens": 5})

        assert answer.json()["warning"] == warning
        assert answer.headers["Tollgate-Warning"] == warning
        assert answer.json()["spendable"] == spendable

    def test_is_answered_alike_again_and_held_once(self) -> None:
        dollars.customer()

        first, again = (admit(CALL).json() for _ in range(2))

        assert again == first | {"replayed": True}
        assert not UsageEvent.objects.exists()
        assert Entry.objects.count() == 1

    def test_is_priced_by_its_properties_too(self) -> None:
        make.customer(
            plan=make.plan(card=make.rate_card(dollars.CARD + IMAGES)), credits="9"
        )

        answer = admit(CALL | {"properties": {"images": "2"}})

        assert answer.json()["estimate"] == "7"


IMAGES = """\
  - dimension: images
    unit: 1 image
    price_usd: 1
"""


class TestARefusedCall:
    def test_says_what_binds_and_where_to_pay(self, settings: Settings) -> None:
        settings.BASE_URL = "https://billing.example.com"
        dollars.customer()

        answer = admit(CALL | {"max_output_tokens": 5})

        assert answer.status_code == 402
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "Retry-After" not in answer.headers
        problem = answer.json()
        assert problem.pop("request_id").startswith("req_")
        assert problem == {
            "type": "about:blank",
            "title": "Payment Required",
            "status": 402,
            "detail": "The call may cost 6 USD; 5 may be spent.",
            "code": "payment_required",
            "instance": "/v1/admissions",
            "limit_source": "account_credits",
            "estimate": "6",
            "currency": "USD",
            "balance": "5",
            "held": "0",
            "spendable": "5",
            "topup_url": "https://billing.example.com/portal/credits/",
        }

    def test_leads_to_where_credits_are_bought_by_one_slash(
        self, settings: Settings
    ) -> None:
        settings.BASE_URL = "https://billing.example.com/"
        dollars.customer()

        url = admit(CALL | {"max_output_tokens": 5}).json()["topup_url"]

        assert url == "https://billing.example.com/portal/credits/"

    def test_names_the_credit_limit_where_that_binds(self) -> None:
        dollars.customer(Mode.POSTPAID, credits="0")
        make.record(dollars.use(7))

        problem = admit(CALL | {"max_output_tokens": 13}).json()

        assert problem["limit_source"] == "credit_limit"
        assert problem["topup_url"].endswith("/portal/invoices/")
        assert (problem["balance"], problem["spendable"]) == ("-7", "13")


@pytest.mark.usefixtures("_priced")
class TestACallWithoutAPrice:
    @pytest.fixture
    def _priced(self) -> None:
        dollars.customer()

    @pytest.mark.parametrize(
        ("more", "code", "pointers"),
        [
            ({"model": "new"}, "unknown_model", ["#/model"]),
            ({"properties": {"images": 1}}, "unpriced_dimension", []),
            (
                {"properties": {"usage": {"what": 1}}},
                "unknown_usage_shape",
                ["#/properties"],
            ),
            (
                {"properties": {"input_is_total": True, "cached_input_tokens": 2}},
                "parts_exceed_total",
                ["#/properties"],
            ),
            (
                {"properties": {"input_is_total": "perhaps"}},
                "bad_quantity",
                ["#/properties"],
            ),
        ],
    )
    def test_is_refused_before_it_runs(
        self, more: dict[str, Any], code: str, pointers: list[str]
    ) -> None:
        answer = admit(CALL | more)

        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, code)
        assert [each["pointer"] for each in problem.get("errors", [])] == pointers


def test_a_context_above_all_bands_names_the_input() -> None:
    make.customer(credits="50")

    answer = admit(CALL | {"model": "text-gen-v3", "input_tokens": 131_073})

    assert answer.json()["code"] == "context_above_bands"
    assert answer.json()["errors"][0]["pointer"] == "#/input_tokens"


def test_an_answer_costs_the_database_nothing_while_its_facts_are_fresh(
    django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    settings.CALLER_CACHE_SECONDS = 60
    dollars.customer(credits="50")
    key = make.service_key()
    admit(CALL, key=key)

    with django_assert_num_queries(0):
        answer = admit(CALL | {"request_id": "req_2"}, key=key)

    assert answer.json()["held"] == "10"


class TestABody:
    @pytest.mark.parametrize("member", ["request_id", "model", "input_tokens"])
    def test_states_everything_that_decides(self, member: str) -> None:
        body = {name: value for name, value in CALL.items() if name != member}

        assert errors(body) == (400, [("invalid", f"#/{member}")])

    @pytest.mark.parametrize(
        "value",
        [-1, True, None, "1_000", "NaN", "-1", 1e12, [1], "\N{FULLWIDTH DIGIT ONE}"],
    )
    @pytest.mark.parametrize("member", ["input_tokens", "max_output_tokens"])
    def test_counts_tokens_exactly(self, member: str, value: object) -> None:
        assert errors(CALL | {member: value}) == (400, [("invalid", f"#/{member}")])

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400"])
    def test_holds_no_number_that_is_none(self, value: str) -> None:
        body = f'{{"request_id": "r", "model": "m", "input_tokens": {value}}}'

        assert errors(body)[0] == 400

    @pytest.mark.parametrize("value", [-1, True, "1_000"])
    def test_counts_what_else_is_priced_exactly(self, value: object) -> None:
        body = CALL | {"properties": {"cached_input_tokens": value}}

        assert errors(body) == (
            400,
            [("invalid", "#/properties/cached_input_tokens")],
        )

    @pytest.mark.parametrize(
        "member", ["model", "input_tokens", "output_tokens", "max_output_tokens"]
    )
    def test_says_nothing_twice(self, member: str) -> None:
        body = CALL | {"properties": {member: 1}}

        assert errors(body) == (400, [("invalid", f"#/properties/{member}")])

    @pytest.mark.parametrize(
        ("more", "pointer"),
        [
            ({"max_tokens": 5}, "#/max_tokens"),
            ({"request_id": ""}, "#/request_id"),
            ({"request_id": "r" * 256}, "#/request_id"),
            ({"model": ""}, "#/model"),
            ({"model": 4}, "#/model"),
            ({"customer_id": ""}, "#/customer_id"),
            ({"properties": []}, "#/properties"),
        ],
    )
    def test_names_the_member_at_fault(self, more: object, pointer: str) -> None:
        assert errors(CALL | more) == (400, [("invalid", pointer)])  # type: ignore[operator]

    @pytest.mark.parametrize("body", ["", "[]", "{", "null", '"text"'])
    def test_is_an_object(self, body: str) -> None:
        assert admit(body).json()["code"] == "parse_error"


class TestAKey:
    def test_of_a_customer_need_not_name_it(self) -> None:
        key = make.customer_key(dollars.customer())
        body = {name: value for name, value in CALL.items() if name != "customer_id"}

        assert admit(body, key=key).status_code == 200

    def test_of_a_service_names_the_customer(self) -> None:
        body = {name: value for name, value in CALL.items() if name != "customer_id"}

        assert errors(body) == (400, [("invalid", "#/customer_id")])

    def test_learns_nothing_of_another_customer(self) -> None:
        dollars.customer()
        key = make.customer_key(make.customer(external_id="cus_own"))

        real, unreal = (
            admit(CALL | {"customer_id": name}, key=key)
            for name in ("cus_abc123", "cus_none")
        )

        assert real.status_code == unreal.status_code == 404
        assert real.json()["code"] == unreal.json()["code"] == "not_found"

    def test_needs_the_scope_to_post_events(self) -> None:
        dollars.customer()
        reader = issue_api_key(name="reader", scopes=[USAGE_READ]).secret

        assert admit(CALL, key=reader).status_code == 403
