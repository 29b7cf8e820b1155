"""What the mail of each kind of notice says."""

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from pytest_django import Settings

from billing.models import Customer, Notice, NoticeKind
from billing.services.notices import lease_notices, send_notice, write_notice
from tests import make
from tests.make import NOW

pytestmark = pytest.mark.django_db

LOW: dict[str, object] = {
    "threshold": "8",
    "thresholds": ["10", "9", "8"],
    "available": "7.005",
    "crossed_at": NOW.isoformat(),
}
RETURNED: dict[str, object] = {
    "money": "20",
    "credits": "25.5",
    "invoice": "INV-2026-000002",
    "state": "refunded",
    "credit_note": "CN-2026-000001",
}
WORDS: dict[NoticeKind, tuple[dict[str, object], str, list[str]]] = {
    NoticeKind.LOW_BALANCE: (
        LOW,
        "Credits fell below $8.00",
        [
            "fell below $10.00, $9.00 and $8.00 on 15 Nov 2026, 13:00 CET.",
            "Left to spend at that moment: $7.01.",
            "Buy credits, or let auto top-up buy them for you:",
        ],
    ),
    NoticeKind.EXPIRY: (
        {"days": 7, "credits": "4.985768", "expires_at": "2026-11-20T23:30:00+00:00"},
        "$4.99 of credits expire on 21 Nov 2026",
        ["$4.985768 of the credits of", "expire on 21 Nov 2026 at 00:30 CET"],
    ),
    NoticeKind.TOP_UP_BOUGHT: (
        {
            "amount": "20",
            "card": "Test card ending in 4242",
            "balance": "27.005",
            "invoice": "INV-2026-000002",
        },
        "Auto top-up bought $20.00 of credits",
        [
            "Card: Test card ending in 4242",
            "To spend with them: $27.01",
            "https://billing.example.org/portal/invoices/INV-2026-000002/",
        ],
    ),
    NoticeKind.CREDITS_RETURNED: (
        RETURNED,
        "$20.00 was refunded",
        [
            "paid for invoice INV-2026-000002 was refunded.",
            "Credits taken back for it: $25.50",
            "https://billing.example.org/portal/credit-notes/CN-2026-000001/",
        ],
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
            "Next try: 15 Nov 2026, 13:00 CET at the earliest",
        ],
    ),
    NoticeKind.TOP_UP_OFF: (
        {"because": "credits were refunded"},
        "Auto top-up is off: credits were refunded",
        ["Auto top-up no longer buys credits for Ada", "): credits were refunded."],
    ),
    NoticeKind.TOP_UP_CAPPED: (
        {"bought": "150", "amount": "100", "monthly_maximum": "200"},
        "Auto top-up waits for next month: $100.00 more would exceed $200.00",
        ["Bought this month: $150.00", "The next purchase: $100.00"],
    ),
    NoticeKind.TOP_UP_CHANGED: (
        {
            "threshold": "10",
            "amount": "50",
            "monthly_maximum": "200",
            "card": "Test card ending in 4242",
            "by": "ada@example.com",
        },
        "Auto top-up buys $50.00 below $10.00 from now on",
        ["At most in a month (UTC): $200.00", "Set by: ada@example.com"],
    ),
}


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_says_what_happened(kind: NoticeKind, settings: Settings) -> None:
    settings.BASE_URL = "https://billing.example.org"
    facts, subject, phrases = WORDS[kind]

    sent = send(kind, facts)

    assert sent.subject == subject
    assert "Ada & Sons <ltd> (cus_abc123)" in sent.body
    assert "https://billing.example.org/portal/credits/" in sent.body
    assert [phrase for phrase in phrases if phrase not in sent.body] == []


@pytest.mark.parametrize(
    ("state", "subject", "phrase"),
    [
        (
            "open",
            "A payment is disputed: $25.50 of credits are on hold",
            "Credits on hold until the bank has decided: $25.50",
        ),
        (
            "won",
            "A dispute is over: $25.50 of credits are back",
            "Credits that were on hold, and are back unless they have expired: $25.50",
        ),
        (
            "lost",
            "A dispute is over: $20.00 went back",
            "Credits taken back for it: $25.50",
        ),
    ],
)
def test_a_dispute_says_how_it_stands(state: str, subject: str, phrase: str) -> None:
    sent = send(NoticeKind.CREDITS_RETURNED, RETURNED | {"state": state})

    assert sent.subject == subject
    assert phrase in sent.body
    assert "Disputed: $20.00" in sent.body
    assert "/portal/invoices/INV-2026-000002/" in sent.body


def test_low_credits_that_are_bought_anew_ask_nobody_to_buy() -> None:
    sent = send(NoticeKind.LOW_BALANCE, LOW | {"bought_below": "20"})

    assert "auto top-up is on. It buys more below $20.00" in sent.body
    assert "Buy credits" not in sent.body


def test_low_credits_say_why_if_not_by_use() -> None:
    sent = send(NoticeKind.LOW_BALANCE, LOW | {"because": "credits were refunded"})

    assert "13:00 CET: credits were refunded." in sent.body


def send(kind: NoticeKind, facts: dict[str, object]) -> EmailMessage:
    """Send the notice of a customer in Berlin; returns its mail."""
    customer = make.customer(time_zone="Europe/Berlin")
    Customer.objects.update(name="Ada & Sons <ltd>")
    write_notice(customer_id=customer.pk, kind=kind, reference="x", facts=facts)
    until = lease_notices(at=NOW).until
    send_notice(notice_id=Notice.objects.get().pk, leased_until=until, at=NOW)
    [sent] = mail.outbox
    return sent
