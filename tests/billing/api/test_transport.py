from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from billing.models import UsageEvent
from tests import make
from tests.http import EVENTS, SEED, post
from tests.raw import end_session


@pytest.mark.django_db
class TestTheRequest:
    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""],
    )
    def test_has_to_be_json(self, content_type: str) -> None:
        make.customer()

        response = post(SEED, content_type=content_type)

        assert response.status_code == 415
        assert response.json()["code"] == "unsupported_media_type"
        assert not UsageEvent.objects.exists()

    def test_has_to_say_its_length(self) -> None:
        make.customer()

        response = post(SEED, HTTP_TRANSFER_ENCODING="chunked")

        assert response.status_code == 411
        assert response.json()["code"] == "length_required"

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_has_to_be_a_post(self, method: str) -> None:
        headers = {"Authorization": f"Bearer {make.service_key()}"}

        response = Client().generic(method, EVENTS, headers=headers)

        assert response.status_code == 405
        assert response.headers["Content-Type"] == "application/problem+json"

    def test_is_named_in_the_problem(self) -> None:
        key = make.service_key()
        headers = {"Authorization": f"Bearer {key}", "X-Request-Id": "trace-7"}

        response = Client().post(
            EVENTS, "[", content_type="application/json", headers=headers
        )

        assert response.json() == {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": "Input data was truncated.",
            "code": "parse_error",
            "instance": EVENTS,
            "request_id": "trace-7",
        }


@pytest.mark.django_db(transaction=True)
class TestALostDatabase:
    def test_is_answered_with_503_and_when_to_come_back(self) -> None:
        make.customer()
        key = make.service_key()
        end_session()

        response = post(SEED, key=key)

        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert response.json()["code"] == "service_unavailable"

    def test_leaves_nothing_and_a_retry_is_recorded(self) -> None:
        make.customer(credits="50")
        key = make.service_key()
        end_session()
        post(SEED, key=key)
        connection.close()

        response = post(SEED, key=key)

        assert response.json()["status"] == "accepted"

    def test_that_answers_no_lock_during_a_copy_is_the_same(self) -> None:
        make.customer(credits="50")
        key = make.service_key()

        with _locked("billing_charge"):
            response = post(SEED, key=key)

        assert response.status_code == 503
        assert not UsageEvent.objects.exists()


@contextmanager
def _locked(table: str) -> Iterator[None]:
    """Keep a table to another session, for longer than this one waits."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("BEGIN")
        cursor.execute(f"LOCK TABLE {table}")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")
    other.close()
