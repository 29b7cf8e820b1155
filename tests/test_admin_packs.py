"""What operators may sell: amounts that can be stored, and ends that can be given."""

import pytest
from django.test import Client

from billing.models import CreditPack

pytestmark = pytest.mark.django_db
ADD = "/admin/billing/creditpack/add/"
PACK = {
    "code": "c",
    "name": "C",
    "currency": "USD",
    "price": "5",
    "credits": "5",
    "bonus_credits": "0",
    "validity_days": "",
}


def test_a_pack_lasts_a_century_at_most(operator: Client) -> None:
    refused = operator.post(ADD, PACK | {"validity_days": "36526"}).content.decode()
    assert "At most 36525 days, or none." in refused
    assert not CreditPack.objects.exists()

    operator.post(ADD, PACK | {"validity_days": "36525"})
    assert CreditPack.objects.get().validity_days == 36525


@pytest.mark.parametrize("price", ["1E1", "1" * 20, "-1", "1_0"])
def test_a_pack_has_a_price_in_plain_digits(operator: Client, price: str) -> None:
    response = operator.post(ADD, PACK | {"price": price})

    assert "price" in response.context["adminform"].form.errors
    assert not CreditPack.objects.exists()
