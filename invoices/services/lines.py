"""What is on a usage invoice. Reads the rollups: a million calls cost as one."""

from collections.abc import Iterable, Iterator

from django.db.models import Sum

from billing.models import ContextBand, Rate, UsageRollup
from invoices.models import Invoice, InvoiceLine, LineKind
from ledger.money import allocate, as_text

_SEPARATOR = " · "


def build_lines(invoice: Invoice) -> list[InvoiceLine]:
    """Return the lines of an invoice, not yet stored: usage first, then the fee.

    Their rounded amounts add up to the rounded sum of the exact ones.
    """
    lines = [*_usage_lines(invoice), *_fee_lines(invoice)]
    amounts = allocate([line.exact_amount for line in lines], invoice.currency)
    for position, (line, amount) in enumerate(zip(lines, amounts, strict=True), 1):
        line.position = position
        line.amount = amount
    return lines


def _usage_lines(invoice: Invoice) -> Iterator[InvoiceLine]:
    rollups = UsageRollup.objects.filter(
        customer=invoice.customer_id, period_start=invoice.period.start
    )
    sums = (
        rollups.values_list("model", "rate", "band")
        .annotate(Sum("calls"), Sum("quantity"), Sum("amount"))
        # A card's rates were stored in its order, and a later version's after them.
        .order_by("model", "rate", "band__max_tokens")
    )
    rates = Rate.objects.in_bulk({rate for _, rate, *_ in sums})
    bands = ContextBand.objects.in_bulk({band for _, _, band, *_ in sums if band})
    for model, rate, band, calls, quantity, amount in sums:
        yield InvoiceLine(
            invoice=invoice,
            kind=LineKind.USAGE,
            description=_describe(rates[rate], bands.get(band)),
            model=model,
            rate_id=rate,
            band_id=band,
            calls=calls,
            quantity=quantity,
            exact_amount=amount,
        )


def _describe(rate: Rate, band: ContextBand | None) -> str:
    parts = [rate.model, rate.dimension.replace("_", " ")]
    if band:
        multiplier = as_text(band.multiplier)
        parts.append(f"up to {band.max_tokens:,} tokens context (×{multiplier})")
    return _SEPARATOR.join(parts)


def _fee_lines(invoice: Invoice) -> Iterable[InvoiceLine]:
    plan = invoice.customer.plan
    if not plan.monthly_fee:
        return ()
    line = InvoiceLine(
        invoice=invoice,
        kind=LineKind.FEE,
        description=f"{plan.name}{_SEPARATOR}monthly fee",
        exact_amount=plan.monthly_fee,
    )
    return (line,)
