"""What the mail of each kind of notice says."""

import pytest
from django.core import mail
from pytest_django import Settings

from billing.models import Customer, Notice, NoticeKind
from billing.services.notices import lease_notices, send_notice, write_notice
from tests import make
from tests.make import NOW

pytestmark = pytest.mark.django_db

WORDS: dict[NoticeKind, tuple[dict[str, object], str, list[str]]] = {
    NoticeKind.LOW_BALANCE: (
        {"threshold": "8", "available": "7.005", "crossed_at": NOW.isoformat()},
        "Credits are below $8.00",
        ["Left to spend: $7.01, as of 15 Nov 2026, 13:00 CET."],
    ),
    NoticeKind.EXPIRY: (
        {"days": 7, "credits": "4.985768", "expires_at": "2026-11-20T23:30:00+00:00"},
        "$4.99 of credits expire on 21 Nov 2026",
        ["$4.985768 expire on 21 Nov 2026 at 00:30 CET"],
    ),
    NoticeKind.TOP_UP_FAILED: (
        {
            "amount": "50",
            "card": "Test card ending in 0341",
            "failure": "declined",
            "retry_at": NOW.isoformat(),
        },
        "Auto top-up failed: $50.00 could not be charged",
        [
            "Card: Test card ending in 0341",
            "Tried again: not before 15 Nov 2026, 13:00",
        ],
    ),
    NoticeKind.TOP_UP_OFF: (
        {"because": "credits were refunded"},
        "Auto top-up is off: credits were refunded",
        ["no longer bought by themselves: credits were refunded."],
    ),
    NoticeKind.TOP_UP_CAPPED: (
        {"bought": "150", "amount": "100", "monthly_maximum": "200"},
        "Auto top-up has reached $200.00 this month",
        ["Bought this month: $150.00", "The next purchase: $100.00"],
    ),
}


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_says_what_happened(kind: NoticeKind, settings: Settings) -> None:
    settings.BASE_URL = "https://billing.example.org"
    customer = make.customer(time_zone="Europe/Berlin")
    Customer.objects.update(name="Ada & Sons <ltd>")
    facts, subject, phrases = WORDS[kind]
    write_notice(customer_id=customer.pk, kind=kind, reference="x", facts=facts)

    until = lease_notices(at=NOW).until
    send_notice(notice_id=Notice.objects.get().pk, leased_until=until, at=NOW)

    [sent] = mail.outbox
    assert sent.subject == subject
    assert "Ada & Sons <ltd> (cus_abc123)" in sent.body
    assert "https://billing.example.org/portal/credits/" in sent.body
    assert [phrase for phrase in phrases if phrase not in sent.body] == []
