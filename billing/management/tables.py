"""Tables for a terminal, with every digit of every amount: those of a backtest."""

from collections.abc import Iterable, Sequence

from billing.queries.backtests import (
    BacktestReport,
    Change,
    CustomerChange,
    GapChange,
    LineChange,
)
from billing.templatetags.changes import signed_exact, signed_percent
from ledger.money import format_exact, format_quantity

_AMOUNTS = ("before", "after", "difference", "%")

Row = Sequence[str]


def align(headings: Row, rows: Sequence[Row], *, names: int) -> list[str]:
    """Align columns: the first ones are names, the others numbers."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if position < names else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (headings, *rows)
    ]


def customer_table(report: BacktestReport, currency: str) -> list[str]:
    """Return the lines of a table of all customers, and the total."""
    rows = [_customer_row(each, currency) for each in report.customers]
    rows.append(("total", *_amounts(report.whole, currency)))
    return align(("customer", *_AMOUNTS), rows, names=1)


def line_table(report: BacktestReport, currency: str) -> list[str]:
    """Return the lines of a table of models and dimensions, and their total."""
    rows = [_line_row(each, currency) for each in report.lines]
    rows.append(("total", "", "", "", *_amounts(report.repriced, currency)))
    headings = ("model", "dimension", "calls", "quantity", *_AMOUNTS)
    return align(headings, rows, names=2)


def gap_table(gaps: Iterable[GapChange], currency: str) -> list[str]:
    """Return the lines of a table of calls that one side alone prices."""
    rows = [
        (
            each.model or "none stated",
            each.reason,
            f"{each.calls:,}",
            format_exact(each.before or each.after, currency),
        )
        for each in gaps
    ]
    return align(("model", "reason", "calls", "amount"), rows, names=2)


def _customer_row(change: CustomerChange, currency: str) -> Row:
    return (change.external_id, *_amounts(change, currency))


def _line_row(change: LineChange, currency: str) -> Row:
    counts = (f"{change.calls:,}", format_quantity(change.quantity))
    return (change.model, change.dimension, *counts, *_amounts(change, currency))


def _amounts(change: Change, currency: str) -> Row:
    return (
        format_exact(change.before, currency),
        format_exact(change.after, currency),
        signed_exact(change.difference, currency),
        signed_percent(change.percent),
    )
