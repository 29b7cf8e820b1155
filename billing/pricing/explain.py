"""Own the sentence that shows a customer the whole arithmetic of a charge."""

from collections.abc import Iterator
from decimal import Decimal

from billing.pricing.charges import ChargeLine
from billing.pricing.dimensions import MINIMUM
from ledger.money import WIDE, as_text, format_exact, format_quantity


def explain(line: ChargeLine, currency: str) -> str:
    """Return how a charge came about, with every digit of it.

    Such as "2,000 input_tokens at $0.003 per 1,000 tokens × 1.8 (context band) =
    $0.0108."
    """
    amount = format_exact(line.amount, currency)
    if line.dimension == MINIMUM:
        return f"{amount} more, up to the least that a call costs."
    steps = " ".join(_steps(line, currency))
    sign = "=" if _is_exact(line) else "≈"
    return f"{steps} {sign} {amount}."


def _steps(line: ChargeLine, currency: str) -> Iterator[str]:
    """Yield the factors of a charge, those of one left out."""
    yield f"{format_quantity(line.quantity)} {line.dimension}"
    if line.priced_as != line.dimension:
        yield f"(priced as {line.priced_as})"
    units = line.unit_name if line.unit == 1 else f"{line.unit:,} {line.unit_name}"
    yield f"at {format_exact(line.unit_price, currency)} per {units}"
    if line.multiplier != 1:
        yield f"× {as_text(line.multiplier)} (context band)"
    if line.discount != 1:
        percent = WIDE.multiply(WIDE.subtract(Decimal(1), line.discount), Decimal(100))
        yield f"× {as_text(line.discount)} ({as_text(percent)}% discount)"


def _is_exact(line: ChargeLine) -> bool:
    """Tell whether the amount is the product itself, not one rounded to be stored."""
    product = line.unit_price
    for factor in (line.quantity, line.multiplier, line.discount):
        product = WIDE.multiply(product, factor)
    return WIDE.multiply(line.amount, Decimal(line.unit)) == product
