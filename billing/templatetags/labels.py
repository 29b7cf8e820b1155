"""What codes and states are called on pages."""

import re
from datetime import datetime

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from billing import exact_json

register = template.Library()

_INVOICE = "invoice:"
_BONUS = ":bonus"
_TONES = {
    "active": "good",
    "open": "warn",
    "paid": "good",
    "void": "bad",
    "refunded": "good",
    "on_its_way": "warn",
    "failed": "bad",
    "frozen": "warn",
    "taken_back": "bad",
    "dispute_open": "warn",
    "dispute_won": "good",
    "dispute_lost": "bad",
}
# How far a refund got, as its customer needs to know.
_REFUNDS = {
    "withdrawn": "on_its_way",
    "sent": "on_its_way",
    "succeeded": "refunded",
}


@register.filter
def words(code: str) -> str:
    """Write a code as people say it: "input_tokens" as "Input tokens"."""
    return code.replace("_", " ").capitalize()


@register.filter
def plain(value: object) -> str:
    """Write a posted property as it was sent; text without its quotes."""
    return value if isinstance(value, str) else exact_json.encode(value).decode()


@register.filter
def tone(state: str) -> str:
    """Return the colour that repeats what a state says."""
    return _TONES.get(state, "plain")


@register.filter
def kind_of(cause: str) -> str:
    """Return what kind of thing caused an entry: "refund" of "refund:2"."""
    return cause.partition(":")[0]


@register.filter
def name_of(cause: str) -> str:
    """Return which of its kind caused an entry: "2" of "refund:2"."""
    return cause.partition(":")[2]


@register.filter
def start_of(cause: str) -> datetime:
    """Return when the period began whose true-up caused an entry."""
    return datetime.fromisoformat(name_of(cause))


@register.filter
def invoice_number(reference: str) -> str:
    """Return the number of the invoice that a lot was granted for; nothing if none."""
    if not reference.startswith(_INVOICE):
        return ""
    return reference.removeprefix(_INVOICE).removesuffix(_BONUS)


@register.filter
def is_bonus(reference: str) -> bool:
    """Tell whether a lot is the bonus of a purchase."""
    return reference.startswith(_INVOICE) and reference.endswith(_BONUS)


@register.filter
def refund_state(status: str) -> str:
    """Return how far a refund got in one of the states that its customer knows."""
    return _REFUNDS.get(status, status)


@register.filter
def dispute_state(status: str) -> str:
    """Return how a dispute stands in a state of its own: "dispute_lost"."""
    return f"dispute_{status}"


@register.filter
def breakable(address: str) -> SafeString:
    """Write an e-mail address that is broken at its @ or a dot, if it has to be."""
    parts = re.findall(r"[^@.]+[@.]*|[@.]+", address)
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in parts))
