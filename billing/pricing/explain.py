"""Own the sentence that shows a customer the whole arithmetic of a charge."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from billing.pricing.charges import ChargeLine
from billing.pricing.dimensions import MINIMUM
from ledger.money import WIDE, as_text, format_exact, format_quantity

_ONE: Final = Decimal(1)
_ALL: Final = Decimal(100)


def explain(line: ChargeLine, currency: str) -> str:
    """Return how a charge came about, with every digit of it.

    Such as "2,000 input_tokens at $0.003 per 1,000 tokens × 1.8 (context band) =
    $0.0108."
    """
    amount = format_exact(line.amount, currency)
    if line.dimension == MINIMUM:
        return f"{amount} more, up to the least that a call costs."
    if line.tier == 0:
        return f"{_what(line)} of those that the period has free = {amount}."
    if line.quantity and line.billed == 0:
        return f"{_what(line)} within a package already paid = {amount}."
    steps = " ".join(_steps(line, currency))
    sign = "=" if _is_exact(line) else "≈"
    return f"{steps} {sign} {amount}."


def _steps(line: ChargeLine, currency: str) -> Iterator[str]:
    """Yield the factors of a charge, those of one left out."""
    price = format_exact(line.unit_price, currency)
    if line.billed is None:
        yield f"{_what(line)} at {price} per {_unit(line)}"
    else:
        yield f"{_what(line)} begin {_packages(line.billed, line)} at {price}"
    if line.tier and line.billed is None:
        yield f"(tier {line.tier})"
    if line.multiplier != 1:
        yield f"× {as_text(line.multiplier)} (context band)"
    if line.flat:
        yield f"+ {format_exact(line.flat, currency)} once in the period"
    if line.discount != 1:
        percent = WIDE.multiply(WIDE.subtract(_ONE, line.discount), _ALL)
        yield f"× {as_text(line.discount)} ({as_text(percent)}% discount)"


def _what(line: ChargeLine) -> str:
    """Return the quantity and its dimension, and the one whose rate prices it."""
    what = f"{format_quantity(line.quantity)} {line.dimension}"
    if line.priced_as == line.dimension:
        return what
    return f"{what} (priced as {line.priced_as})"


def _packages(billed: Decimal, line: ChargeLine) -> str:
    """Return how many packages are paid, and of what: "2 packages of 100 pages"."""
    count = WIDE.divide(billed, Decimal(line.unit))
    word = "package" if count == 1 else "packages"
    return f"{format_quantity(count)} {word} of {_unit(line)}"


def _unit(line: ChargeLine) -> str:
    """Return what is priced together: "1,000 tokens", or "image" alone."""
    return line.unit_name if line.unit == 1 else f"{line.unit:,} {line.unit_name}"


def _is_exact(line: ChargeLine) -> bool:
    """Tell whether the amount is the product itself, not one rounded to be stored."""
    unit = Decimal(line.unit)
    billed = line.quantity if line.billed is None else line.billed
    product = WIDE.multiply(WIDE.multiply(line.unit_price, billed), line.multiplier)
    product = WIDE.multiply(WIDE.fma(line.flat, unit, product), line.discount)
    return WIDE.multiply(line.amount, unit) == product
