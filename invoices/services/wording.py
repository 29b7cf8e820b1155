"""What an invoice line says of itself."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from billing.models import ContextBand, Rate
from billing.models.rate_cards import PerPeriod
from invoices.models import InvoiceLine
from ledger.money import WIDE, as_text

SEPARATOR = " · "


def describe_usage(line: InvoiceLine, rate: Rate, band: ContextBand | None) -> str:
    """Return what a line of usage is priced by, such as "gpt-4o · input tokens"."""
    return SEPARATOR.join(_parts(line, rate, band))


def describe_true_up(
    line: InvoiceLine, rate: Rate, band: ContextBand | None, reason: str
) -> str:
    """Return what a line settles, such as "True-up to the volume price · …"."""
    return f"True-up to the {reason}{SEPARATOR}{describe_usage(line, rate, band)}"


def _parts(line: InvoiceLine, rate: Rate, band: ContextBand | None) -> Iterator[str]:
    if line.corrects:
        yield f"Taken back of {_month(line.corrects, line)}"
    yield line.model
    yield rate.dimension.replace("_", " ")
    yield from (describe_condition(name, rate.when[name]) for name in sorted(rate.when))
    if band:
        yield f"{band.words} context (×{as_text(band.multiplier)})"
    if line.tier is not None:
        yield _describe_tier(line.tier, rate)
    if line.discount != 1:
        percent = WIDE.multiply(WIDE.subtract(Decimal(1), line.discount), Decimal(100))
        yield f"{as_text(percent)}% discount"


def describe_condition(name: str, texts: list[str]) -> str:
    """Return one condition of a rate, such as "service class batch or flex"."""
    return f"{name.replace('_', ' ')} {' or '.join(texts)}"


def _describe_tier(tier: int, rate: Rate) -> str:
    if tier == 0:
        return "free units"
    return "packages" if rate.per_period == PerPeriod.PACKAGE else f"tier {tier}"


def _month(period_start: datetime, line: InvoiceLine) -> str:
    zone = line.invoice.customer.zone
    return f"{period_start.astimezone(zone):%B %Y}"
