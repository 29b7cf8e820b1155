"""`GET /metrics`: what the web processes have counted, to who knows the token."""

from typing import cast

import pytest
from django.test import Client
from pytest_django import Settings

from tests.http import Answer, get

TOKEN = "a long secret"  # noqa: S105


def scrape(authorization: str) -> Answer:
    answer = Client().get("/metrics", headers={"Authorization": authorization})
    return cast("Answer", answer)


def test_are_answered_as_prometheus_reads_them(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN

    answer = scrape(f"Bearer {TOKEN}")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "\ntollgate_gate_up " in answer.content.decode()


@pytest.mark.parametrize(
    "authorization", ["", "Bearer ", "Bearer another", "Bearer ä", TOKEN]
)
def test_are_not_found_without_the_token(
    settings: Settings, authorization: str
) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert scrape(authorization).status_code == 404


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer "])
def test_are_not_found_where_there_is_no_token(
    settings: Settings, authorization: str
) -> None:
    settings.METRICS_TOKEN = ""

    assert scrape(authorization).status_code == 404


@pytest.mark.django_db
def test_are_not_for_a_key_of_the_api(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert get("/metrics").status_code == 404
