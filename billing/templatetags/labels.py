"""What codes and states are called on pages."""

from django import template

from billing import exact_json

register = template.Library()

_CALL = "event:"
_CORRECTION = "correction:"
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
def call_key(cause: str) -> str:
    """Return the key of the call that caused an entry; nothing if no call did."""
    return cause.removeprefix(_CALL) if cause.startswith(_CALL) else ""


@register.filter
def correction_id(cause: str) -> str:
    """Return the id of the correction that caused an entry; nothing if none did."""
    found = cause.startswith(_CORRECTION)
    return cause.removeprefix(_CORRECTION) if found else ""


@register.filter
def invoice_number(reference: str) -> str:
    """Return the number of the invoice that a lot was granted for; nothing if none."""
    if not reference.startswith(_INVOICE):
        return ""
    return reference.removeprefix(_INVOICE).removesuffix(_BONUS)


@register.filter
def refund_state(status: str) -> str:
    """Return how far a refund got in one of the states that its customer knows."""
    return _REFUNDS.get(status, status)
