"""`GET /v1/credit-packs`."""

from decimal import Decimal

import pytest

from billing.models import CreditPack
from billing.services.customers import EVENTS_WRITE, issue_api_key
from tests import make
from tests.http import get

pytestmark = pytest.mark.django_db
PATH = "/v1/credit-packs"


def codes(path: str = f"{PATH}?customer_id=cus_abc123", *, key: str = "") -> list[str]:
    return [pack["code"] for pack in get(path, key=key).json()["results"]]


def test_says_what_a_purchase_may_name() -> None:
    customer = make.customer()
    pack = make.pack(price="45", credits="50", bonus="2.50", days=365)

    answer = get(PATH, key=make.customer_key(customer))

    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {
                "code": pack.code,
                "name": pack.name,
                "currency": "USD",
                "price": "45",
                "credits": "50",
                "bonus_credits": "2.5",
                "validity_days": 365,
            }
        ]
    }


def test_is_of_what_the_customer_can_buy_the_cheapest_first() -> None:
    make.customer()
    dear, cheap = make.pack(price="200").code, make.pack(price="50").code
    CreditPack.objects.filter(pk=make.pack().pk).update(is_active=False)
    CreditPack.objects.create(
        code="euros", name="Euros", currency="EUR", price=Decimal(5), credits=Decimal(5)
    )

    assert codes() == [cheap, dear]


def test_by_a_service_key_names_its_customer() -> None:
    assert get(PATH).status_code == 400
    assert get(f"{PATH}?customer_id=cus_nobody").status_code == 404


def test_needs_the_scope_to_read() -> None:
    make.customer()
    key = issue_api_key(name="gateway", scopes=[EVENTS_WRITE]).secret

    assert get(f"{PATH}?customer_id=cus_abc123", key=key).status_code == 403
