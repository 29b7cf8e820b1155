"""Reports on limits as pages show them: what is in each cell, already written."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.urls import reverse

from billing.models import LimitName
from billing.queries.limit_policies import PolicyUse
from billing.queries.limit_pressure import LimitPressure
from billing.queries.limit_simulation import Constrained
from billing.templatetags.changes import signed_exact, signed_readable
from ledger.admin import Cell, Table
from ledger.admin.tables import NOTHING, amount_cell, headings
from ledger.money import format_quantity
from ratelimits.simulating import Limits, Rates

# A page of more rows would say no more; the command writes all of them.
MOST_ROWS = 200


def pressure_tables(found: Sequence[LimitPressure]) -> list[Table]:
    """Return who was refused by what, and what would relieve it."""
    if not found:
        return []
    refused = Table(
        "Who was refused, and by what",
        "Those whose calls rates refused most often come first. The share is what "
        "requests, tokens and calls at once refused, of all calls that were asked for.",
        headings(
            *("Customer", "Plan", "Calls made", "RPM", "TPM", "At once"),
            *("Credits", "Caps", "Share"),
            texts=2,
        ),
        [_refused_row(each) for each in found],
    )
    relief = Table(
        "What would relieve it",
        "The cheapest plan whose limits would have been enough, and what it brings: "
        "the difference in fees for a month, and what the calls that rates refused in "
        "this time would have cost.",
        headings(
            *("Customer", "Tier proposed", "Peak RPM", "Peak TPM", "Tokens refused"),
            *("Amount refused", "Monthly fee", "Revenue"),
            texts=2,
        ),
        [_relief_row(each) for each in found],
    )
    return [refused, relief]


def _refused_row(each: LimitPressure) -> list[Cell]:
    return [
        _customer_cell(each),
        Cell(each.customer.plan.name, note=write_limits(each.limits)),
        _count(each.calls),
        _count(each.count(LimitName.REQUESTS)),
        _count(each.count(LimitName.TOKENS)),
        _count(each.count(LimitName.CONCURRENT_REQUESTS)),
        _count(each.refused_by_credits),
        _count(each.refused_by_caps),
        Cell(f"{each.share}%", is_number=True),
    ]


def _relief_row(each: LimitPressure) -> list[Cell]:
    currency = each.customer.plan.currency
    peak, rates = each.binding
    fees = _change(each.fee_difference, currency) if each.tier else _nothing()
    revenue = amount_cell(each.revenue, currency) if each.tier else _nothing()
    return [
        _customer_cell(each),
        _tier_cell(each),
        _peak_cell(peak.requests, rates and rates.rpm),
        _peak_cell(peak.tokens, rates and rates.tpm),
        Cell(format_quantity(each.tokens), is_number=True),
        amount_cell(each.amount, currency),
        fees,
        revenue,
    ]


def _customer_cell(each: LimitPressure | Constrained) -> Cell:
    customer = each.customer
    url = reverse("admin:billing_customer_change", args=[customer.pk])
    return Cell(customer.name, note=customer.external_id, url=url)


def _tier_cell(each: LimitPressure) -> Cell:
    if each.tier is None:
        return Cell(NOTHING)
    return Cell(each.tier.name, note=write_limits(each.tier.limits))


def _peak_cell(peak: int, limit: int | None) -> Cell:
    note = f"of {limit:,}" if limit else "not limited"
    return Cell(f"{peak:,}", note=note, is_number=True)


def _change(amount: Decimal, currency: str) -> Cell:
    exact = signed_exact(amount, currency)
    return Cell(signed_readable(amount, currency), title=exact, is_number=True)


def _count(number: int) -> Cell:
    return Cell(f"{number:,}" if number else NOTHING, is_number=True)


def _nothing() -> Cell:
    return Cell(NOTHING, is_number=True)


def write_limits(limits: Limits) -> str:
    """Write limits in words: "60 RPM, 100,000 TPM; voice: 5 RPM"."""
    if not limits:
        return "dedicated capacity"
    return "; ".join(
        f"{model}: {_write_rates(limits[model])}" if model else _write_rates(rates)
        for model, rates in sorted(limits.items())
    )


def _write_rates(rates: Rates) -> str:
    parts = [
        f"{value:,} {name.upper()}"
        for name, value in rates._asdict().items()
        if value is not None
    ]
    return ", ".join(parts) or "not limited"


def policy_table(policies: Iterable[PolicyUse]) -> Table:
    """Return the policies to choose from."""
    url = reverse("admin:billing_refusalrollup_simulation")
    rows = [
        [
            Cell(each.policy.name, url=f"{url}?policy={each.policy.pk}"),
            Cell(write_limits(each.limits)),
            _count(each.customers),
        ]
        for each in policies
    ]
    return Table(
        "Policies",
        "Choose the one whose limits are to be changed.",
        headings("Policy", "Limits", "Customers", texts=2),
        rows,
    )


def simulation_table(found: Sequence[Constrained]) -> Table:
    """Return who would be constrained, the most first."""
    more = len(found) - MOST_ROWS
    note = f" {more:,} more are not shown; the command writes all." if more > 0 else ""
    return Table(
        "Who would be constrained",
        f"A refused call takes nothing and does not come again. The peak is the most "
        f"that was in use at once, of the limit tried.{note}",
        headings(
            *("Customer", "Calls", "Refused now", "Refused then", "By RPM", "By TPM"),
            *("Share", "Peak", "First hour", "Worst hour"),
        ),
        [_constrained_row(each) for each in found[:MOST_ROWS]],
    )


def _constrained_row(each: Constrained) -> list[Cell]:
    return [
        _customer_cell(each),
        _count(each.calls),
        _count(each.before.refused),
        _count(each.after.refused),
        _count(each.after.refused_by_requests),
        _count(each.after.refused_by_tokens),
        Cell(f"{each.share}%", is_number=True),
        Cell(f"{each.after.peak_percent}%", is_number=True),
        _hour_cell(each.first_hour),
        _hour_cell(each.worst_hour),
    ]


def _hour_cell(hour: datetime | None) -> Cell:
    if hour is None:
        return _nothing()
    return Cell(f"{hour:%Y-%m-%d}", note=f"{hour:%H:%M}", is_number=True)
