"""What the demo sets up and prints, its traffic aside."""

from decimal import Decimal

import pytest

from billing.models import Customer, Plan
from billing.services.alerts import set_alerts
from config.demo.credits import watch_credits
from config.demo.people import PEOPLE, PLANS, populate
from config.demo.showing import describe
from config.demo.traffic import CHAT
from config.serving import Address
from tests import make
from tests.billing.alerting import watched

pytestmark = pytest.mark.django_db


def test_names_a_customer_on_each_kind_of_plan() -> None:
    populate(start=make.NOW, now=make.NOW)

    lines = describe(Address("127.0.0.1", 8000), key="tg_x", now="now").splitlines()

    codes = set(Plan.objects.values_list("code", flat=True))
    assert {person.plan for person in PEOPLE} == set(PLANS) == codes
    [ada] = [line for line in lines if "ada@lovelace.example" in line]
    assert ada.endswith("Ada Lovelace — Free, calls blocked at zero")


def test_watches_credits_once_and_keeps_what_visitors_change() -> None:
    populate(start=make.NOW, now=make.NOW)
    chat = Customer.objects.get(external_id=CHAT)
    assert watched(chat) is None
    watch_credits(at=make.NOW)
    assert watched(chat) == 140

    set_alerts(customer=chat, thresholds=[Decimal(30)], at=make.NOW)
    watch_credits(at=make.NOW)

    assert watched(chat) == 30
