import re

import pytest
from django.test import Client

MADE = re.compile(r"req_[0-9a-f]{32}")


def request_id(given: str | None = None, *, path: str = "/absent") -> str:
    headers = {} if given is None else {"X-Request-Id": given}
    return str(Client().get(path, headers=headers).headers["X-Request-Id"])


def test_a_request_without_an_id_gets_one() -> None:
    first, second = request_id(), request_id()

    assert MADE.fullmatch(first)
    assert first != second


@pytest.mark.parametrize("given", ["a", "trace-7", "A.b_c:d-1", "x" * 128])
def test_a_harmless_id_is_kept(given: str) -> None:
    assert request_id(given) == given


@pytest.mark.parametrize(
    "given", ["", " ", "a b", "a\tb", "x" * 129, "<script>", "é", 'a"b', "a;b", "a%0A"]
)
def test_any_other_id_is_replaced(given: str) -> None:
    assert MADE.fullmatch(request_id(given))


@pytest.mark.django_db
def test_a_good_answer_carries_it_too() -> None:
    assert request_id("trace-7", path="/healthz") == "trace-7"


class TestTheApi:
    """It has headers of its own, and none of what pages need."""

    def test_lets_its_answers_run_and_be_shown_nowhere(self) -> None:
        headers = Client().get("/v1/nothing").headers

        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; frame-ancestors 'none'"
        )
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"

    def test_has_no_session(self) -> None:
        request = Client().get("/v1/nothing").wsgi_request

        assert not hasattr(request, "session")

    def test_does_not_lend_its_policy_to_pages(self) -> None:
        headers = Client().get("/login/").headers

        assert "script-src" in headers["Content-Security-Policy"]
