"""Refusals as pages read them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Customer
from billing.queries.refusals import Refused, list_recent_refusals, sum_refusals
from tests import make
from tests.billing.limiting import refuse
from tests.make import NOW, row

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def customer() -> Customer:
    return make.customer()


def test_the_latest_come_first(customer: Customer) -> None:
    refuse(customer, at=NOW - HOUR)
    refuse(customer, at=NOW, times=2)
    refuse(customer, at=NOW + HOUR, limit="tokens")

    found = list_recent_refusals(customer, NOW - 2 * HOUR)

    assert [(each.hour, each.limit, each.refusals) for each in found] == [
        (NOW + HOUR, "tokens", 1),
        (NOW, "requests", 2),
        (NOW - HOUR, "requests", 1),
    ]
    assert row(found[1].tokens, found[1].amount, found[1].model) == (
        *(20, 1),
        "text-gen-v3",
    )


def test_what_was_before_is_left_out(customer: Customer) -> None:
    refuse(customer, at=NOW)

    assert list_recent_refusals(customer, NOW + timedelta(seconds=1)) == []
    assert sum_refusals(customer, NOW + timedelta(seconds=1)) == Refused()
    assert len(list_recent_refusals(customer, NOW)) == 1


def test_a_page_is_bounded(customer: Customer) -> None:
    for hours in range(3):
        refuse(customer, at=NOW + hours * HOUR)

    found = list_recent_refusals(customer, NOW, most=2)

    assert [each.hour for each in found] == [NOW + 2 * HOUR, NOW + HOUR]


def test_all_of_them_are_one_sum(customer: Customer) -> None:
    refuse(customer, at=NOW - HOUR, times=2)
    refuse(customer, limit="spend_cap")
    refuse(make.customer(external_id="cus_other"))

    assert sum_refusals(customer, NOW - HOUR) == Refused(
        3, Decimal(30), Decimal("1.5"), NOW
    )
    assert sum_refusals(customer, NOW - HOUR, limits=["spend_cap"]).refusals == 1
