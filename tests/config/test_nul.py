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
def test_no_key_holds_nul(client: Client) -> None:
    response = client.get("/v1/invoices", headers={"Authorization": "Bearer \0"})

    assert response.status_code == 400
