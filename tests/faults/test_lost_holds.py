"""What Redis has forgotten, or is told too late, lets nothing be spent twice."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from pytest_django import Settings

from billing.models import Customer
from billing.queries.admission import Call, Verdict
from billing.queries.callers import get_caller
from billing.services.admission import admit_call
from billing.services.outage import HeldElsewhereError
from ratelimits import limiter
from ratelimits.amounts import from_limbs
from ratelimits.limiter import find_generations
from ratelimits.messages import Ask, Base, Limit
from tests import make
from tests.billing import dollars
from tests.faults.valkey import OwnValkey, running_valkey

pytestmark = [pytest.mark.fault, pytest.mark.django_db]


@pytest.fixture(name="valkey")
def _valkey(settings: Settings) -> Iterator[OwnValkey]:
    with running_valkey() as valkey:
        settings.REDIS_URL = valkey.url
        yield valkey


def admit(customer: Customer, dollars_at_most: int, key: str = "") -> Verdict:
    properties = {"input_tokens": 0, "output_tokens": dollars_at_most}
    call = Call(
        request_id=key or f"req_{make.unique()}",
        model=dollars.MODEL,
        properties=properties,
    )
    caller = get_caller(customer.external_id)
    return admit_call(caller=caller, call=call, at=make.NOW)


def admits(customer: Customer, dollars_at_most: int) -> bool:
    try:
        return admit(customer, dollars_at_most).is_admitted
    except HeldElsewhereError:
        return False


def test_calls_younger_than_a_snapshot_still_hold_their_credits(
    valkey: OwnValkey,
) -> None:
    customer = dollars.customer(credits="8")
    admit(customer, 2)
    valkey.save()
    admit(customer, 6)

    valkey.kill()
    valkey.start()
    time.sleep(0.6)

    assert not admits(customer, 1)


@pytest.mark.usefixtures("valkey")
@pytest.mark.parametrize(("late", "taken"), [(4_000, [8, 8]), (6_000, [5, 4])])
def test_what_a_server_that_hung_is_told_too_late_is_dropped(
    late: int, taken: list[int]
) -> None:
    customer = dollars.customer()
    admit(customer, 1, key="req_1")
    known = find_generations([customer.external_id])[customer.external_id]
    base = Base(
        generation=known.generation or 0,
        as_of=known.now - late,
        sequence=99,
        available=Decimal(8),
        lasts=60_000,
        lease=Decimal(8),
        lease_lasts=60_000,
    )

    ask = Ask(
        id="req_2",
        print="",
        limit=Limit("", None, None, None),
        tokens=0,
        cost=Decimal(1),
        floor=Decimal(0),
    )
    answer = limiter.admit(customer.external_id, ask, base=base)

    found = [answer.available, answer.lease]
    assert [from_limbs(limbs) for limbs in found if limbs] == taken
