"""The throttle in a view of Django REST framework, as a service has it."""

from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView, exception_handler

from ratelimits.enforcement.admissions import Call
from ratelimits.enforcement.throttle import TollgateThrottle
from tests.ratelimits.tollgate_fake import CUSTOMER, KEY, LIMITS, TollgateFake


class ChatThrottle(TollgateThrottle):
    timeout = 5

    def get_call(self, request: Request, view: APIView) -> Call | None:  # noqa: ARG002
        asked: Any = request.data
        if asked["free"]:
            return None
        return Call(
            request_id="req_1",
            model="dollar-token",
            input_tokens=1,
            max_output_tokens=asked["max_tokens"],
            customer_id=CUSTOMER,
        )


class ChatView(APIView):
    authentication_classes = []
    permission_classes = []
    throttle_classes = [ChatThrottle]

    def get_exception_handler(self) -> Any:
        """Use that of a service that has none of its own."""
        return exception_handler

    def post(self, request: Request) -> Response:
        admission = getattr(request, "admission", None)
        return Response({"ran": admission.request_id if admission else None})


@pytest.fixture(autouse=True)
def _settings(fake: TollgateFake, settings: Settings) -> None:
    settings.TOLLGATE_URL = fake.url
    settings.TOLLGATE_KEY = KEY


def post(view: type[APIView] = ChatView, **body: Any) -> Response:
    asked = {"free": False, "max_tokens": 2} | body
    request = APIRequestFactory().post("/chat", asked, format="json")
    answer: Response = view.as_view()(request)
    return answer


def test_an_admitted_call_runs_and_shows_its_limits() -> None:
    answer = post()

    assert (answer.status_code, answer.data) == (200, {"ran": "req_1"})
    assert dict(answer.headers).items() >= LIMITS.items()


def test_a_call_without_credits_is_answered_402_with_the_problem() -> None:
    answer = post(max_tokens=5)

    assert answer.status_code == 402
    assert answer.data == {
        "type": "about:blank",
        "status": 402,
        "code": "payment_required",
        "limit_source": "account_credits",
    }
    assert answer.headers["RateLimit"] == LIMITS["RateLimit"]
    assert "Retry-After" not in answer.headers


def test_a_call_that_comes_too_soon_is_answered_429_with_the_wait(
    fake: TollgateFake,
) -> None:
    fake.is_too_fast = True

    answer = post()

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.data["detail"].code == "throttled"


def test_a_call_that_nobody_can_decide_on_is_answered_503(fake: TollgateFake) -> None:
    fake.cut = 2

    answer = post()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_a_request_that_costs_nothing_is_not_asked_about(fake: TollgateFake) -> None:
    answer = post(free=True)

    assert (answer.status_code, answer.data) == (200, {"ran": None})
    assert fake.asked == []


def test_requests_share_a_connection(fake: TollgateFake) -> None:
    fake.funds = 100

    for _ in range(5):
        assert post().status_code == 200

    assert fake.connections == 1


def test_a_throttle_may_ask_elsewhere(fake: TollgateFake, settings: Settings) -> None:
    settings.TOLLGATE_URL = "http://127.0.0.1:9"

    class ElsewhereThrottle(ChatThrottle):
        url = fake.url
        key = KEY

    class ElsewhereView(ChatView):
        throttle_classes = [ElsewhereThrottle]

    assert post(ElsewhereView).status_code == 200


def test_a_throttle_says_which_call_a_request_is() -> None:
    class SilentView(ChatView):
        throttle_classes = [TollgateThrottle]

    with pytest.raises(NotImplementedError):
        post(SilentView)
