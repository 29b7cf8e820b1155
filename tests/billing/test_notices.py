"""Notices: of credits that expire, and how each of them becomes one mail."""

from datetime import datetime, timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import transaction
from pytest_django import Settings

from billing.models import Customer, Membership, Notice, NoticeKind, User
from billing.models.customers import Role
from billing.queries.alerts import list_unsent_notices
from billing.services.customers import add_member
from billing.services.notices import note_expiring, send_notice, write_notice
from tests import make
from tests.make import NOW
from tests.threads import run_at_once

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def noted() -> list[str]:
    """Return the windows that were noted, of any lot, in order."""
    references = Notice.objects.order_by("pk").values_list("reference", flat=True)
    return [reference.rpartition(":")[2] for reference in references]


def notice(customer: Customer) -> Notice:
    facts = {"threshold": "8", "available": "7", "crossed_at": NOW.isoformat()}
    kind = NoticeKind.LOW_BALANCE
    write_notice(customer_id=customer.pk, kind=kind, reference="alert:1:1", facts=facts)
    return Notice.objects.get()


def send(made: Notice, at: datetime = NOW) -> EmailMessage:
    """Send a notice; returns the mail."""
    assert send_notice(notice_id=made.pk, at=at)
    [sent] = mail.outbox
    return sent


class TestNoteExpiring:
    @pytest.mark.parametrize(
        ("left", "window"),
        [
            (timedelta(microseconds=1), "1"),
            (DAY, "1"),
            (DAY + timedelta(microseconds=1), "7"),
            (5 * DAY, "7"),
            (7 * DAY, "7"),
            (7 * DAY + timedelta(microseconds=1), "30"),
            (30 * DAY, "30"),
        ],
    )
    def test_notes_the_nearest_window_alone(self, left: timedelta, window: str) -> None:
        lot = make.lot(make.customer().wallet, "10", expires_at=NOW + left)

        note_expiring(at=NOW)

        [made] = Notice.objects.all()
        assert made.reference == f"lot:{lot.pk}:{window}"
        assert made.facts["credits"] == "10"
        assert datetime.fromisoformat(made.facts["expires_at"]) == NOW + left

    def test_notes_each_window_once_as_it_comes(self) -> None:
        make.lot(make.customer().wallet, "10", expires_at=NOW + 40 * DAY)

        written = [note_expiring(at=NOW + day * DAY) for day in range(41)]

        assert noted() == ["30", "7", "1"]
        assert [day for day, count in enumerate(written) if count] == [10, 33, 39]

    def test_that_was_down_for_a_week_notes_the_nearest(self) -> None:
        make.lot(make.customer().wallet, "10", expires_at=NOW + 31 * DAY)

        for day in (0, 24.5):
            note_expiring(at=NOW + day * DAY)

        assert noted() == ["7"]

    @pytest.mark.parametrize("left", [timedelta(0), -DAY, 31 * DAY])
    def test_notes_none_that_has_expired_or_is_far(self, left: timedelta) -> None:
        make.lot(make.customer().wallet, "10", expires_at=NOW + left)

        assert note_expiring(at=NOW) == 0

    def test_notes_none_that_is_used_up_or_lasts_for_ever(self) -> None:
        wallet = make.customer().wallet
        make.lot(wallet, "10", expires_at=NOW + DAY)
        make.lot(wallet, "5")
        make.spend(wallet, "10")

        assert note_expiring(at=NOW) == 0

    def test_notes_what_is_left_of_each_lot(self) -> None:
        wallet = make.customer().wallet
        make.lot(wallet, "10", expires_at=NOW + DAY)
        make.lot(wallet, "5", expires_at=NOW + 2 * DAY)
        make.spend(wallet, "2.5")

        assert note_expiring(at=NOW) == 2

        left = {made.facts["credits"] for made in Notice.objects.all()}
        assert left == {"7.5", "5"}

    def test_uses_up_no_number_for_what_is_noted(self) -> None:
        wallet = make.customer().wallet
        for _ in range(2):
            make.lot(wallet, "10", expires_at=NOW + DAY)
            for _ in range(3):
                note_expiring(at=NOW)

        first, second = Notice.objects.order_by("pk")
        assert second.pk == first.pk + 1


@pytest.mark.django_db(transaction=True)
def test_expiry_noted_at_once_is_noted_once() -> None:
    make.lot(make.customer().wallet, "10", expires_at=NOW + DAY)

    written = run_at_once([lambda: note_expiring(at=NOW)] * 5)

    assert sorted(written) == [0, 0, 0, 0, 1]
    assert noted() == ["1"]


class TestSendNotice:
    def test_sends_one_mail(self) -> None:
        made = notice(make.customer())

        send(made)

        made.refresh_from_db()
        assert made.sent_at == NOW
        assert not send_notice(notice_id=made.pk, at=NOW)
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

        # The customer's own address is billing@ too.
        assert send(notice(customer)).to == [
            "billing@example.com",
            "owner@example.com",
        ]

    def test_says_the_same_message_id_again(self, settings: Settings) -> None:
        settings.BASE_URL = "https://billing.example.org/"
        made = notice(make.customer())

        with pytest.raises(ZeroDivisionError):
            _send_and_crash(made)
        send_notice(notice_id=made.pk, at=NOW)

        ids = [each.extra_headers["Message-ID"] for each in mail.outbox]
        assert ids == [f"<notice-{made.pk}@billing.example.org>"] * 2

    def test_comes_from_where_the_installation_says(self, settings: Settings) -> None:
        settings.DEFAULT_FROM_EMAIL = "money@example.org"

        sent = send(notice(make.customer()))

        assert sent.from_email == "money@example.org"
        assert sent.extra_headers["Auto-Submitted"] == "auto-generated"

    def test_waits_longer_each_time_that_the_server_refuses(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        made = notice(make.customer())
        monkeypatch.setattr(EmailMessage, "send", _refuse)
        waits = []

        for _ in range(10):
            assert not send_notice(notice_id=made.pk, at=NOW)
            made.refresh_from_db()
            assert made.retry_at
            waits.append(made.retry_at - NOW)

        assert waits[:3] == [timedelta(minutes=minutes) for minutes in (1, 2, 4)]
        assert waits[-1] == timedelta(hours=6)
        assert made.sent_at is None
        assert "not taken by the mail server" in caplog.text

    def test_is_tried_again_once_its_wait_is_over(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = notice(make.customer())
        with monkeypatch.context() as patch:
            patch.setattr(EmailMessage, "send", _refuse)
            send_notice(notice_id=made.pk, at=NOW)

        assert list_unsent_notices(at=NOW + timedelta(seconds=59)) == []
        assert list_unsent_notices(at=NOW + timedelta(seconds=60)) == [made.pk]
        send(made)
        assert list_unsent_notices(at=NOW + DAY) == []


def test_notices_are_queued_so_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.queries.alerts.BATCH", 2)
    customer = make.customer()
    for reference in "abc":
        write_notice(
            customer_id=customer.pk,
            kind=NoticeKind.TOP_UP_OFF,
            reference=reference,
            facts={"because": ""},
        )

    first = list_unsent_notices(at=NOW)
    for notice_id in first:
        send_notice(notice_id=notice_id, at=NOW)

    assert len(first) == 2
    assert len(list_unsent_notices(at=NOW)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_notice_sent_by_five_at_once_is_one_mail() -> None:
    made = notice(make.customer())

    results = run_at_once([lambda: send_notice(notice_id=made.pk, at=NOW)] * 5)

    assert sorted(results) == [False, False, False, False, True]
    assert len(mail.outbox) == 1


def test_the_same_cause_is_written_once() -> None:
    customer = make.customer()

    notice(customer)
    notice(customer)

    assert Notice.objects.count() == 1


@transaction.atomic
def _send_and_crash(made: Notice) -> None:
    send_notice(notice_id=made.pk, at=NOW)
    raise ZeroDivisionError


def _refuse(*_: object, **__: object) -> None:
    raise SMTPServerDisconnected
