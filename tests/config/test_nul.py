import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url",
    [
        "/v1/events/%00",
        "/portal/invoices/%00/",
        "/v1/customers/%00/balance",
        "/checkout/simulated/%00/",
        "/v1/invoices?customer_id=%00",
    ],
)
def test_no_address_holds_nul(client: Client, url: str) -> None:
    assert client.get(url).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer \0"},
        {"X-Api-Key": "tg_\0"},
        {"X-Tollgate-Model": "\0"},
    ],
)
def test_no_key_holds_nul(client: Client, headers: dict[str, str]) -> None:
    response = client.get("/v1/invoices", headers=headers)

    assert response.status_code == 400
