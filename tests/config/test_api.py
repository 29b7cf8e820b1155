import json

import pytest
from django.db import connection
from django.test import Client

from config.durability import require_durable_database
from tests import make
from tests.http import get
from tests.raw import end_session


def test_an_unknown_address_of_the_api_is_a_problem() -> None:
    response = Client().get("/v1/absent", headers={"X-Request-Id": "trace-7"})

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address.",
        "code": "not_found",
        "instance": "/v1/absent",
        "request_id": "trace-7",
    }


def test_an_unknown_page_is_a_page() -> None:
    response = Client().get("/absent")

    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_what_the_api_cannot_find_is_a_problem() -> None:
    answer = get("/v1/customers/cus_none/balance").json()

    assert answer["title"] == "Not Found"
    assert answer["instance"] == "/v1/customers/cus_none/balance"
    assert answer["request_id"].startswith("req_")


@pytest.mark.django_db
def test_health_is_that_the_database_answers() -> None:
    response = Client().get("/healthz")

    assert response.json() == {"status": "ok"}


@pytest.mark.django_db
def test_the_schema_describes_what_may_be_posted() -> None:
    key = make.service_key()

    response = Client().get(
        "/v1/schema/",
        headers={"Accept": "application/json", "Authorization": f"Bearer {key}"},
    )

    assert response.status_code == 200
    assert b"/v1/events" in response.content


@pytest.mark.django_db
def test_the_schema_says_how_purchases_are_answered() -> None:
    response = Client().get("/v1/schema/?format=json")

    purchase = json.loads(response.content)["paths"]["/v1/purchases"]["post"]
    statuses = ["201", "400", "401", "403", "404", "422", "503"]
    assert sorted(purchase["responses"]) == statuses
    [header] = purchase["parameters"]
    assert (header["name"], header["required"]) == ("Idempotency-Key", True)
    assert "Idempotency-Replayed" in purchase["responses"]["201"]["headers"]


@pytest.mark.django_db(transaction=True)
def test_a_process_starts_though_its_database_is_down() -> None:
    end_session()

    require_durable_database()

    connection.close()
    assert Client().get("/healthz").status_code == 200
