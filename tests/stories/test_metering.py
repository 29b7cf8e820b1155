"""A gateway's day: what it posts over HTTP is what its customer sees to be left."""

from decimal import Decimal

import pytest
import time_machine

from config.verification import verify_all
from tests import make
from tests.http import event, get, post

BALANCE = "/v1/customers/cus_abc123/balance"


@pytest.mark.story
@pytest.mark.django_db
def test_a_gateway_meters_a_customers_calls() -> None:
    customer = make.customer(credits="1")
    gateway, own = make.service_key(), make.customer_key(customer)

    with time_machine.travel(make.NOW, tick=False):
        call = post(event("call"), key=gateway).json()
        chunks = [event("talk", stream=_part(n)) for n in (2, 0, 1)]
        parts = [post(chunk, key=gateway).json() for chunk in chunks]
        again = post([event("call"), *chunks], key=gateway).json()
        left = get(BALANCE, key=own).json()["available"]

    assert (call["status"], call["balance"]) == ("accepted", "0.985768")
    assert [part.get("stream") for part in parts] == ["open", "open", None]
    assert again["duplicates"] == 4
    assert Decimal(left) == 1 - 4 * Decimal("0.014232")
    assert [finding for finding in verify_all() if finding.differences] == []


def _part(sequence: int) -> dict[str, object]:
    return {"sequence": sequence, "final": sequence == 2}
