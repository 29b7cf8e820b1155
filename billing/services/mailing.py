"""Putting a notice into words, for those who look after a customer's money."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone

from billing.models import Customer, Membership, Notice
from billing.models.customers import Role

_AMOUNTS = (
    "threshold",
    "available",
    "bought_below",
    "credits",
    "amount",
    "monthly_maximum",
    "bought",
    "balance",
    "money",
)
_TIMES = ("crossed_at", "expires_at", "retry_at")


def compose(notice: Notice) -> EmailMessage:
    """Return the mail of a notice; the same notice has the same Message-ID for ever.

    Times are in the customer's zone.
    """
    customer = notice.customer
    context = {
        "customer": customer,
        "currency": customer.wallet.currency,
        "facts": _read(notice.facts),
        "base_url": settings.BASE_URL.rstrip("/"),
    }
    with timezone.override(customer.zone):
        subject = render_to_string(f"emails/{notice.kind}_subject.txt", context)
        body = render_to_string(f"emails/{notice.kind}.txt", context)
    return EmailMessage(
        subject=" ".join(subject.split()),
        body=body,
        to=list(_addresses(customer)),
        headers={"Message-ID": _message_id(notice), "Auto-Submitted": "auto-generated"},
    )


def _read(facts: dict[str, Any]) -> dict[str, Any]:
    """Return facts with their amounts and times as such, which JSON has as text."""
    amounts = {name: Decimal(facts[name]) for name in _AMOUNTS if name in facts}
    times = {
        name: datetime.fromisoformat(facts[name]) for name in _TIMES if name in facts
    }
    thresholds = [Decimal(each) for each in facts.get("thresholds", ())]
    return facts | amounts | times | {"thresholds": thresholds}


def _addresses(customer: Customer) -> Iterator[str]:
    """Yield the customer's address, its owners' and its billing members', once each."""
    members = Membership.objects.filter(
        customer=customer, role__in=(Role.OWNER, Role.BILLING), user__is_active=True
    )
    emails = members.order_by("pk").values_list("user__email", flat=True)
    yield from {
        email.lower(): email for email in (customer.email, *emails) if email
    }.values()


def _message_id(notice: Notice) -> str:
    return f"<notice-{notice.pk}@{urlsplit(settings.BASE_URL).hostname}>"
