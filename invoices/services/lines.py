"""What is on a usage invoice. Reads the rollups: a million calls cost as one."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import F, Sum

from billing.models import ContextBand, Rate, UsageRollup
from billing.queries.true_ups import list_true_ups, work_out_true_ups
from invoices.models import Invoice, InvoiceLine, LineKind
from invoices.services.wording import SEPARATOR, describe_true_up, describe_usage
from ledger.money import allocate

_PRICE = ("model", "rate", "band", "tier", "discount", "corrects")


def build_lines(invoice: Invoice) -> list[InvoiceLine]:
    """Return the lines of an invoice, not yet stored: usage, true-ups, then the fee.

    Their rounded amounts add up to the rounded sum of the exact ones.
    """
    lines = [
        *_usage_lines(invoice),
        *_true_up_lines(invoice),
        *_fee_lines(invoice),
    ]
    amounts = allocate([line.exact_amount for line in lines], invoice.currency)
    for position, (line, amount) in enumerate(zip(lines, amounts, strict=True), 1):
        line.position = position
        line.amount = amount
    return lines


def _usage_lines(invoice: Invoice) -> Iterator[InvoiceLine]:
    rollups = UsageRollup.objects.filter(
        customer=invoice.customer_id, period_start=invoice.period.start
    )
    # A card's rates were stored in its order, and a later version's after them; what
    # corrects an earlier invoice comes last.
    corrects = F("corrects").asc(nulls_first=True)
    sums = list(
        rollups.values(*_PRICE)
        .annotate(Sum("calls"), Sum("quantity"), Sum("amount"))
        .order_by(corrects, "model", "rate", "band", "tier", "-discount")
    )
    rates = Rate.objects.in_bulk({each["rate"] for each in sums})
    bands = ContextBand.objects.in_bulk({each["band"] for each in sums if each["band"]})
    for each in sums:
        line = _usage_line(invoice, each)
        # All of its calls may have been taken back before they were invoiced.
        if line.calls or line.quantity or line.exact_amount:
            rate, band = rates[each["rate"]], bands.get(each["band"])
            line.description = describe_usage(line, rate, band)
            yield line


def _usage_line(invoice: Invoice, sums: dict[str, Any]) -> InvoiceLine:
    return InvoiceLine(
        invoice=invoice,
        kind=LineKind.ADJUSTMENT if sums["corrects"] else LineKind.USAGE,
        model=sums["model"],
        rate_id=sums["rate"],
        band_id=sums["band"],
        tier=sums["tier"],
        discount=sums["discount"],
        corrects=sums["corrects"],
        calls=sums["calls__sum"],
        quantity=sums["quantity__sum"],
        exact_amount=sums["amount__sum"],
    )


def _true_up_lines(invoice: Invoice) -> Iterator[InvoiceLine]:
    customer, period = invoice.customer, invoice.period
    # A draft shows what the usage so far would come to.
    due = list_true_ups(customer=customer, period=period)
    due = due or work_out_true_ups(customer=customer, period=period)
    rates = Rate.objects.in_bulk({each.rate_id for each in due})
    bands = ContextBand.objects.in_bulk({each.band_id for each in due if each.band_id})
    for each in due:
        line = InvoiceLine(
            invoice=invoice,
            kind=LineKind.TRUE_UP,
            model=each.model,
            rate_id=each.rate_id,
            band_id=each.band_id,
            tier=each.tier,
            discount=each.discount,
            quantity=each.quantity,
            exact_amount=each.amount,
        )
        band = bands.get(each.band_id) if each.band_id else None
        rate = rates[each.rate_id]
        line.description = describe_true_up(line, rate, band, each.get_reason_display())
        yield line


def _fee_lines(invoice: Invoice) -> Iterable[InvoiceLine]:
    plan = invoice.customer.plan
    if not plan.monthly_fee:
        return ()
    line = InvoiceLine(
        invoice=invoice,
        kind=LineKind.FEE,
        description=f"{plan.name}{SEPARATOR}monthly fee",
        exact_amount=plan.monthly_fee,
    )
    return (line,)
