"""How differences are written, on pages and in a terminal. Nothing here rounds."""

from decimal import Decimal

from django import template

from ledger.money import format_exact, format_readable

register = template.Library()


@register.filter
def readable(amount: Decimal, currency: str) -> str:
    """Write an amount to its smallest coin, or exactly where that would be zero."""
    return format_readable(amount, currency)


@register.filter
def signed_readable(amount: Decimal, currency: str) -> str:
    """Write a difference as `readable` does, with its sign: "+$0.50", "-$0.50"."""
    return _plus(amount) + readable(amount, currency)


@register.filter
def signed_exact(amount: Decimal, currency: str) -> str:
    """Write a difference with its sign and every digit: "+$0.000825", "$0.00"."""
    return _plus(amount) + format_exact(amount, currency)


@register.filter
def signed_percent(percent: Decimal | None) -> str:
    """Write a percentage with its sign; a dash where there is none: "+10.00%"."""
    if percent is None:
        return "–"
    return f"{_plus(percent)}{percent}%"


def _plus(number: Decimal) -> str:
    return "+" if number > 0 else ""
