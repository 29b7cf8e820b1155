"""Saying what a line's calls were priced at. Nothing here writes."""

from collections.abc import Iterator
from decimal import Decimal

from billing.models import Rate
from billing.models.rate_cards import PerPeriod
from invoices.models import InvoiceLine
from ledger.money import WIDE, as_text, format_exact


def describe_price(line: InvoiceLine) -> str:
    """Write what a unit on a line cost, and why so much; nothing for fees and packs.

    Such as "$3.00 per 1,000 tokens, × 1.8 for a context of up to 32,768 tokens".
    """
    return ", ".join(_parts(line, line.rate)) if line.rate else ""


def _parts(line: InvoiceLine, rate: Rate) -> Iterator[str]:
    yield _unit_price(line, rate)
    for name in sorted(rate.when):
        yield f"where {name.replace('_', ' ')} is {' or '.join(rate.when[name])}"
    if line.band:
        multiplier = as_text(line.band.multiplier)
        yield f"× {multiplier} for a context {_of(line.band.words)}"
    if line.discount != 1:
        percent = WIDE.multiply(WIDE.subtract(Decimal(1), line.discount), Decimal(100))
        yield f"× {as_text(line.discount)} after a discount of {as_text(percent)}%"


def _unit_price(line: InvoiceLine, rate: Rate) -> str:
    """Return the price of a unit in the line's tier."""
    if line.tier == 0:
        return f"The first {as_text(rate.free_per_period)} of a period are free"
    price = format_exact(_price_of_tier(line.tier, rate), line.invoice.currency)
    unit = rate.unit_name if rate.unit == 1 else f"{rate.unit:,} {rate.unit_name}"
    if rate.per_period == PerPeriod.PACKAGE:
        return f"{price} for each package of {unit} that is begun"
    in_tier = f" in tier {line.tier}" if line.tier else ""
    return f"{price} per {unit}{in_tier}"


def _price_of_tier(position: int | None, rate: Rate) -> Decimal:
    """Return the price of a tier, or of a rate without any."""
    tiers = rate.tiers.filter(position=position) if position else rate.tiers.none()
    tier = tiers.first()
    return tier.price if tier else rate.price


def _of(words: str) -> str:
    """Return which contexts a band holds, as part of a sentence."""
    return words if words.startswith("of") else f"of {words}"
