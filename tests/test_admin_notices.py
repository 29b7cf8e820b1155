"""How operators see the mails that wait, and give them up."""

import re

import psycopg
import pytest
from django.core import mail
from django.test import Client

from billing.models import Customer, Notice, NoticeKind
from billing.services.notices import (
    give_up_notice,
    lease_notices,
    send_notice,
    write_notice,
)
from tests import make
from tests.admin_pages import staff
from tests.invoices.topping_up import topped_up
from tests.make import NOW
from tests.raw import CHECKED, refusal

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/notice/"
FACTS = {"threshold": "8", "available": "7", "crossed_at": NOW.isoformat()}


def write(customer: Customer, reference: str) -> Notice:
    kind = NoticeKind.LOW_BALANCE
    write_notice(customer_id=customer.pk, kind=kind, reference=reference, facts=FACTS)
    return Notice.objects.get(reference=reference)


@pytest.fixture
def notices() -> list[Notice]:
    """Return a notice that is sent and one that is not."""
    told = make.customer()
    first = write(told, "alert:1:1")
    until = lease_notices(at=NOW).until
    send_notice(notice_id=first.pk, leased_until=until, at=NOW)
    return [first, write(told, "alert:1:2")]


def listed(browser: Client, **query: str) -> list[str]:
    page = browser.get(LIST, query).content.decode()
    return re.findall(r"alert:1:\d", page)


def give_up(browser: Client, notices: list[Notice]) -> str:
    chosen = [each.pk for each in notices]
    form = {"action": "give_up", "_selected_action": chosen}
    return browser.post(LIST, form, follow=True).content.decode()


@pytest.mark.usefixtures("notices")
def test_those_that_wait_are_found(operator: Client) -> None:
    assert listed(operator, sent_at__isempty="1") == ["alert:1:2"]
    assert listed(operator, sent_at__isempty="0") == ["alert:1:1"]
    page = operator.get(LIST).content.decode()
    assert "column-failures" in page
    assert "column-retry_at" in page


def test_one_that_is_given_up_is_never_sent(
    operator: Client, notices: list[Notice]
) -> None:
    until = lease_notices(at=NOW).until

    page = give_up(operator, notices)

    assert "1 will not be sent; the others were sent or given up before." in page
    assert lease_notices(at=until).notice_ids == []
    assert not send_notice(notice_id=notices[1].pk, leased_until=until, at=NOW)
    assert len(mail.outbox) == 1
    assert listed(operator, given_up_at__isempty="0") == ["alert:1:2"]


def test_one_is_given_up_once(notices: list[Notice]) -> None:
    assert give_up_notice(notice_id=notices[1].pk, at=NOW)
    assert not give_up_notice(notice_id=notices[1].pk, at=NOW)


def test_giving_up_is_for_those_who_may(notices: list[Notice]) -> None:
    give_up(staff("clerk", "view_notice"), notices)

    assert lease_notices(at=NOW).notice_ids == [notices[1].pk]


@pytest.mark.usefixtures("notices")
def test_none_is_both_sent_and_given_up() -> None:
    error: psycopg.Error = refusal("UPDATE billing_notice SET given_up_at = sent_at")

    assert isinstance(error, CHECKED)
    assert error.diag.constraint_name == "billing_notice_sent_or_given_up"


def test_an_auto_top_up_says_what_it_waits_for(operator: Client) -> None:
    topped_up()

    page = operator.get("/admin/invoices/autotopup/").content.decode()

    for column in ("pending", "retry_at", "off_because"):
        assert f"column-{column}" in page
