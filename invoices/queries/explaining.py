"""Saying how an amount came about. Nothing here writes."""

from billing.models import Charge
from ledger.money import as_text, format_exact, format_quantity


def explain(charge: Charge) -> str:
    """Write a charge's arithmetic in one sentence.

    As in "1,083 output tokens ÷ 1,000 × $0.012 × 1 = $0.012996".
    """
    currency = charge.rate.version.rate_card.currency
    quantity = (
        f"{format_quantity(charge.quantity)} {charge.dimension.replace('_', ' ')}"
    )
    price = format_exact(charge.unit_price, currency)
    multiplier = as_text(charge.multiplier)
    amount = format_exact(charge.amount, currency)
    return f"{quantity} ÷ {charge.unit:,} × {price} × {multiplier} = {amount}"
