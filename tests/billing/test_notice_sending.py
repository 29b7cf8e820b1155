"""Sending notices: each becomes one mail, and no bad one holds another up."""

from datetime import datetime, timedelta
from decimal import InvalidOperation
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from pytest_django import Settings

from billing.models import Customer, Membership, Notice, NoticeKind, User
from billing.models.customers import Role
from billing.services.customers import add_member
from billing.services.notices import (
    lease_notices,
    send_notice,
    write_notice,
)
from tests import make
from tests.make import NOW
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def notice(customer: Customer) -> Notice:
    facts = {"threshold": "8", "available": "7", "crossed_at": NOW.isoformat()}
    kind = NoticeKind.LOW_BALANCE
    write_notice(customer_id=customer.pk, kind=kind, reference="alert:1:1", facts=facts)
    return Notice.objects.get()


def attempt(at: datetime = NOW) -> list[bool]:
    """Try what is due, as queue and worker do; tells what was sent."""
    lease = lease_notices(at=at)
    return [
        send_notice(notice_id=notice_id, leased_until=lease.until, at=at)
        for notice_id in lease.notice_ids
    ]


def send(at: datetime = NOW) -> EmailMessage:
    """Send the only notice; returns the mail."""
    assert attempt(at) == [True]
    [sent] = mail.outbox
    return sent


class TestSendNotice:
    def test_sends_one_mail(self) -> None:
        made = notice(make.customer())

        send()

        made.refresh_from_db()
        assert (made.sent_at, made.failures) == (NOW, 0)
        assert attempt(NOW + DAY) == []
        assert len(mail.outbox) == 1

    def test_goes_to_those_who_look_after_the_money(self) -> None:
        customer = make.customer()
        for name, role in (("owner", Role.OWNER), ("billing", Role.BILLING)):
            make.member(customer, email=f"{name}@example.com")
            Membership.objects.filter(user__username=f"{name}@example.com").update(
                role=role
            )
        for role in (Role.DEVELOPER, Role.VIEWER):
            user = make.member(customer, email=f"{role}@example.com")
            add_member(customer=customer, user=user, role=role)
        make.member(customer, email="gone@example.com")
        User.objects.filter(email="gone@example.com").update(is_active=False)
        notice(customer)

        # The customer's own address is billing@ too.
        assert send().to == ["billing@example.com", "owner@example.com"]

    def test_says_the_same_message_id_again(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.BASE_URL = "https://billing.example.org/"
        made = notice(make.customer())
        honest = EmailMessage.send

        def die_after(message: EmailMessage) -> None:
            honest(message)
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(EmailMessage, "send", die_after)
            with pytest.raises(ZeroDivisionError):
                attempt()
        attempt(NOW + DAY)

        ids = [each.extra_headers["Message-ID"] for each in mail.outbox]
        assert ids == [f"<notice-{made.pk}@billing.example.org>"] * 2

    def test_comes_from_where_the_installation_says(self, settings: Settings) -> None:
        settings.DEFAULT_FROM_EMAIL = "money@example.org"
        notice(make.customer())

        sent = send()

        assert sent.from_email == "money@example.org"
        assert sent.extra_headers["Auto-Submitted"] == "auto-generated"

    def test_waits_longer_each_time_that_the_server_refuses(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        made = notice(make.customer())
        monkeypatch.setattr(EmailMessage, "send", _refuse)
        at, waits = NOW, []

        for _ in range(10):
            assert attempt(at) == [False]
            made.refresh_from_db()
            assert made.retry_at
            waits.append(made.retry_at - at)
            at = made.retry_at

        assert waits[:3] == [timedelta(minutes=minutes) for minutes in (1, 2, 4)]
        assert waits[-1] == timedelta(hours=6)
        assert (made.sent_at, made.failures) == (None, 10)
        assert "not taken by the mail server" in caplog.text

    def test_is_tried_again_once_its_wait_is_over(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        notice(make.customer())
        with monkeypatch.context() as patch:
            patch.setattr(EmailMessage, "send", _refuse)
            assert attempt() == [False]

        assert attempt(NOW + timedelta(seconds=59)) == []
        assert attempt(NOW + timedelta(seconds=60)) == [True]

    def test_waits_for_the_end_of_its_lease_if_it_cannot_be_worded(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        made = notice(make.customer())
        Notice.objects.update(facts={"threshold": "much"})

        with pytest.raises(InvalidOperation):
            attempt()

        made.refresh_from_db()
        assert (made.sent_at, made.failures) == (None, 1)
        assert made.retry_at
        assert made.retry_at > NOW
        assert attempt(made.retry_at - SECOND) == []
        assert lease_notices(at=made.retry_at).notice_ids == [made.pk]
        assert caplog.text == ""

    def test_holds_no_lock_while_the_mail_server_takes_its_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        open_transactions = []

        def look(*_: object) -> None:
            # The test's own transaction is one.
            open_transactions.append(len(connection.savepoint_ids))

        notice(make.customer())
        monkeypatch.setattr(EmailMessage, "send", look)

        assert attempt() == [True]
        assert open_transactions == [0]


class TestLeaseNotices:
    def test_leases_each_notice_to_one_job(self) -> None:
        made = notice(make.customer())

        first, second = (lease_notices(at=NOW + n * SECOND) for n in (0, 15))

        assert (first.notice_ids, second.notice_ids) == ([made.pk], [])

    def test_leases_anew_what_no_job_was_done_for(self) -> None:
        made = notice(make.customer())
        lost = lease_notices(at=NOW)

        again = lease_notices(at=lost.until)

        assert again.notice_ids == [made.pk]
        tried = [
            send_notice(notice_id=made.pk, leased_until=until, at=lost.until)
            for until in (lost.until, again.until)
        ]
        assert tried == [False, True]
        assert len(mail.outbox) == 1

    def test_leases_so_many_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("billing.services.notices.BATCH", 2)
        customer = make.customer()
        for reference in "abc":
            write_notice(
                customer_id=customer.pk,
                kind=NoticeKind.TOP_UP_OFF,
                reference=reference,
                facts={"because": ""},
            )

        assert [len(lease_notices(at=NOW).notice_ids) for _ in range(3)] == [2, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_a_notice_sent_by_five_at_once_is_one_mail() -> None:
    made = notice(make.customer())
    until = lease_notices(at=NOW).until

    results = run_at_once(
        [lambda: send_notice(notice_id=made.pk, leased_until=until, at=NOW)] * 5
    )

    assert sorted(results) == [False, False, False, False, True]
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_a_notice_leased_by_five_at_once_is_leased_once() -> None:
    made = notice(make.customer())

    leases = run_at_once([lambda: lease_notices(at=NOW).notice_ids] * 5)

    assert sorted(leases) == [[], [], [], [], [made.pk]]


def test_the_same_cause_is_written_once() -> None:
    customer = make.customer()

    notice(customer)
    notice(customer)

    assert Notice.objects.count() == 1


def _refuse(*_: object, **__: object) -> None:
    raise SMTPServerDisconnected
