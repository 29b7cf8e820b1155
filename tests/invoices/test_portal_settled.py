"""What the portal says was spent in a month that has closed."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from billing.models import User
from billing.services.true_ups import true_up_period
from invoices.models import LineKind
from ledger.money import total
from tests import make
from tests.billing.volume import true_up_a_month
from tests.invoices.state import MONTH_END, NOVEMBER, final

pytestmark = pytest.mark.django_db
LEAST = """\
model: m
rates:
  - dimension: images
    unit: 1 image
    price_usd: 1
    minimum_per_period_usd: 10
"""


def pages_of(client: Client) -> tuple[str, str]:
    with time_machine.travel(MONTH_END, tick=False):
        overview = client.get("/portal/").content.decode()
        usage = client.get("/portal/usage/?month=2026-11").content.decode()
    return " ".join(overview.split()), " ".join(usage.split())


def test_what_was_settled_is_in_the_months_spend(client: Client) -> None:
    [settled] = true_up_a_month()
    customer = settled.customer
    client.force_login(make.member(customer))
    invoice = final(customer)

    overview, usage = pages_of(client)

    # 15 at 10 and 1 at 5 were charged; all 16 cost 5.
    used = invoice.lines.exclude(kind=LineKind.FEE)
    assert total(line.exact_amount for line in used) == 80
    assert "$80.00 in all" in overview
    assert "Settled when the month closed" in usage
    assert 'data-label="Spend">-$75.00</td>' in usage
    assert "data-total>$80.00</td>" in usage
    assert "without fees: $80.00" in usage


def test_a_month_without_a_call_may_have_a_least(client: Client) -> None:
    customer = make.customer(plan=make.plan(card=make.rate_card(LEAST)))
    make.close_period(NOVEMBER.end)
    true_up_period(customer=customer, period=NOVEMBER, at=MONTH_END)
    client.force_login(make.member(customer))

    _, usage = pages_of(client)

    assert "data-total>$10.00</td>" in usage
    with time_machine.travel(MONTH_END + timedelta(days=40), tick=False):
        client.force_login(User.objects.get())
        later = client.get("/portal/usage/").content.decode()
    assert "?month=2026-11" in later
