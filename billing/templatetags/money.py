"""How amounts and quantities are written on pages. Nothing here rounds by itself."""

from decimal import Decimal

from django import template

from ledger.money import WIDE, as_text, format_exact, format_money, format_quantity

register = template.Library()

# Credits are written as dollars are, without the sign.
_CREDITS = "USD"


@register.filter
def credits(amount: Decimal) -> str:
    """Write credits with every digit they have: "1,234.50", "99.985768"."""
    return format_exact(amount, _CREDITS).replace("$", "", 1)


@register.filter
def signed(amount: Decimal) -> str:
    """Write credits that were moved, with their direction: "+50.00", "-0.014232"."""
    text = credits(amount)
    return f"+{text}" if amount > 0 else text


@register.filter
def back(amount: Decimal) -> str:
    """Write credits that were taken as they come back: -0.5 as "+0.50"."""
    return signed(WIDE.minus(amount))


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Write an amount rounded to its currency: "$1,234.56"."""
    return format_money(amount, currency)


@register.filter
def exact(amount: Decimal, currency: str) -> str:
    """Write an amount with every digit it has: "$0.014232"."""
    return format_exact(amount, currency)


@register.filter
def quantity(number: Decimal | int | None) -> str:
    """Write how much was used, in groups of three: "1,083"; nothing as a dash."""
    if number is None:
        return "–"
    return format_quantity(Decimal(number))


@register.filter
def plain_number(amount: Decimal) -> str:
    """Write an amount for a form's field: "2.5"."""
    return as_text(amount)
