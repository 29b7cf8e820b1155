"""What the portal says, in words, once credits are used up."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from billing.models import Customer
from billing.models.plans import AtZero, Mode
from billing.queries.allowances import Shortage, get_standing
from tests import make
from tests.billing.test_portal import read
from tests.make import NOW

pytestmark = pytest.mark.django_db
REFUSED = "Calls are refused until you buy credits."


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """Stop the clock in the middle of November."""
    with time_machine.travel(NOW, tick=False):
        yield


def spent(amount: str, *, credit_limit: str = "0", **plan: Any) -> Customer:
    """Make a customer who had 10 credits, and spent some or more than all of them."""
    customer = make.customer(
        plan=make.plan(**plan), credits="10", credit_limit=credit_limit
    )
    make.spend(customer.wallet, amount)
    return customer


def pages_of(client: Client, customer: Customer) -> list[str]:
    client.force_login(make.member(customer))
    return [read(client, name) for name in ("overview", "credits")]


@pytest.mark.parametrize(
    ("amount", "credit_limit", "plan", "expected"),
    [
        ("9", "0", {}, None),
        ("10", "0", {}, Shortage.REFUSED),
        ("9", "0", {"at_zero": AtZero.WARN}, None),
        ("12", "0", {"at_zero": AtZero.WARN}, Shortage.OWED),
        ("12", "5", {"at_zero": AtZero.WARN}, Shortage.OWED),
        ("12", "5", {"at_zero": AtZero.OVERAGE}, Shortage.BILLED),
        ("15", "5", {"at_zero": AtZero.OVERAGE}, Shortage.LIMIT_REACHED),
        ("10", "0", {"at_zero": AtZero.OVERAGE}, Shortage.REFUSED),
        ("12", "5", {"mode": Mode.HYBRID, "at_zero": AtZero.WARN}, Shortage.BILLED),
    ],
)
def test_a_shortage_is_what_the_next_calls_meet(
    amount: str, credit_limit: str, plan: dict[str, Any], expected: Shortage | None
) -> None:
    customer = spent(amount, credit_limit=credit_limit, **plan)

    assert get_standing(customer=customer, at=NOW).shortage == expected


def test_nothing_is_said_while_there_are_credits(client: Client) -> None:
    for page in pages_of(client, spent("9")):
        assert "refused" not in page
        assert "used up" not in page


def test_a_plan_that_blocks_says_that_calls_are_refused(client: Client) -> None:
    for page in pages_of(client, spent("12")):
        assert REFUSED in page
        assert "$2.00 was used beyond them" in page
        assert '<dd class="figure figure-bad">-$2.00</dd>' in page


def test_a_plan_that_warns_says_that_calls_are_owed(client: Client) -> None:
    for page in pages_of(client, spent("12", at_zero=AtZero.WARN)):
        assert "Calls go on, and what they cost is owed: $2.00 so far." in page
        assert "refused" not in page


def test_overage_says_what_is_billed(client: Client) -> None:
    customer = spent("12", credit_limit="5", at_zero=AtZero.OVERAGE)

    for page in pages_of(client, customer):
        assert "up to the credit limit of $5.00, and are billed: $2.00 so far." in page
        assert '<dt>Spendable now</dt> <dd class="figure">$3.00</dd>' in page


def test_beyond_its_limit_calls_are_refused(client: Client) -> None:
    customer = spent("16", credit_limit="5", at_zero=AtZero.OVERAGE)

    for page in pages_of(client, customer):
        assert "Calls are refused: the credit limit of $5.00 is used up." in page
        assert '<dd class="figure figure-bad">-$1.00</dd>' in page


def test_usage_paid_by_invoice_is_no_shortage(client: Client) -> None:
    customer = spent("12", credit_limit="5", mode=Mode.POSTPAID)

    for page in pages_of(client, customer):
        assert "used up" not in page
        assert '<dt>Not yet paid</dt> <dd class="figure">$2.00</dd>' in page
