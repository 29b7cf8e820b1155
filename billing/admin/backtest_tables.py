"""A backtest's tables as its page shows them: what is in each cell, already written."""

from collections.abc import Iterable
from decimal import Decimal

from django.template.defaultfilters import pluralize

from billing.queries.backtests import (
    CUT_TRUE_UPS,
    BacktestReport,
    Change,
    CustomerChange,
    GapChange,
    LineChange,
)
from billing.templatetags.changes import (
    readable,
    signed_exact,
    signed_percent,
    signed_readable,
)
from ledger.admin import Cell, Table
from ledger.money import format_exact, format_quantity

# A page of more rows would say no more; the command writes all of them.
MOST_ROWS = 200


def list_tables(report: BacktestReport, currency: str) -> list[Table]:
    """Return the tables that have rows: first what would be lost, if anything."""
    tables = [
        _gap_table(
            "Without a price on this version",
            "Charged before. With this version they would wait in quarantine.",
            report.unpriced,
            currency,
            "Before",
        ),
        _customer_table(report, currency),
        _line_table(report, currency),
        _gap_table(
            "Priced from quarantine",
            "Waiting in quarantine now. With this version they would be charged.",
            report.recovered,
            currency,
            "After",
        ),
    ]
    return [table for table in tables if table.rows]


def _customer_table(report: BacktestReport, currency: str) -> Table:
    return Table(
        "By customer",
        _note(len(report.customers), "Calls that one side alone prices are included."),
        [Cell("Customer"), *_CHANGE],
        [_customer_row(each, currency) for each in report.customers[:MOST_ROWS]],
        [Cell("Total"), *_change(report.whole, currency)],
    )


def _customer_row(change: CustomerChange, currency: str) -> list[Cell]:
    return [Cell(change.name, change.external_id), *_change(change, currency)]


def _line_table(report: BacktestReport, currency: str) -> Table:
    return Table(
        "By model and dimension",
        _note(len(report.lines), _lines_note(report)),
        [
            Cell("Model and dimension"),
            Cell("Calls", is_number=True),
            Cell("Quantity", is_number=True),
            *_CHANGE,
        ],
        [_line_row(each, currency) for each in report.lines[:MOST_ROWS]],
        [Cell("Total"), _number(""), _number(""), *_change(report.repriced, currency)],
    )


def _lines_note(report: BacktestReport) -> str:
    note = "Only calls that both sides price."
    return f"{note} {CUT_TRUE_UPS}" if report.cuts_true_ups else note


def _line_row(change: LineChange, currency: str) -> list[Cell]:
    return [
        Cell(change.model, change.dimension.replace("_", " ")),
        _number(f"{change.calls:,}"),
        _number(format_quantity(change.quantity)),
        *_change(change, currency),
    ]


def _gap_table(
    caption: str, note: str, gaps: Iterable[GapChange], currency: str, side: str
) -> Table:
    return Table(
        caption,
        note,
        [
            Cell("Model"),
            Cell("Reason"),
            Cell("Customers", is_number=True),
            Cell("Calls", is_number=True),
            Cell(side, is_number=True),
        ],
        [_gap_row(each, currency) for each in gaps],
    )


def _gap_row(gap: GapChange, currency: str) -> list[Cell]:
    return [
        Cell(gap.model or "None stated"),
        Cell(gap.reason.replace("_", " ").capitalize(), gap.detail),
        _number(f"{gap.customers:,}"),
        _number(f"{gap.calls:,}"),
        _amount(gap.before or gap.after, currency),
    ]


_CHANGE = tuple(
    Cell(heading, is_number=True)
    for heading in ("Before", "After", "Difference", "Change")
)


def _change(change: Change, currency: str) -> list[Cell]:
    difference = change.difference
    return [
        _amount(change.before, currency),
        _amount(change.after, currency),
        _number(
            signed_readable(difference, currency), signed_exact(difference, currency)
        ),
        _number(signed_percent(change.percent)),
    ]


def _amount(amount: Decimal, currency: str) -> Cell:
    return _number(readable(amount, currency), format_exact(amount, currency))


def _number(text: str, title: str = "") -> Cell:
    return Cell(text, title=title, is_number=True)


def _note(rows: int, sentence: str) -> str:
    """Say how many rows are left out, if any are."""
    more = rows - MOST_ROWS
    if more <= 0:
        return sentence
    return f"{sentence} {more:,} more row{pluralize(more)} not shown: least difference."
